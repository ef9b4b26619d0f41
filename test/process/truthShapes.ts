import { CODES } from '../../agent/protocol.ts';
import type { Shape } from './truth.ts';

const BOUND = 'scope-binding';
const EDITED = 'live-edit';

/** A main file that calls `a.f()`, and what else a program may do with it. */
const CALLS = `
IMPORT a FROM a
function probe() { return { call: a.f() }; }
EXPORT probe
`;

/**
 * Shapes of code as real programs have them, each with what it comes to on a Node where live edit works (22). Old code
 * that still runs anywhere after `applied` is a lie; the sentences behind the codes are tested elsewhere.
 */
export const shapes: readonly Shape[] = [
  // ---- functions bound to a name
  {
    name: 'declaration called inside its module',
    everywhere: true,
    files: {
      a: `
function inner() { return 'old'; }
function f() { return inner(); }
EXPORT f
`,
      main: CALLS,
    },
    functions: ['inner'],
    expect: BOUND,
  },
  {
    name: 'exported declaration',
    files: { a: "function f() { return 'old'; }\nEXPORT f\n", main: CALLS },
    expect: BOUND,
  },
  {
    name: 'declaration that another module takes',
    files: {
      a: "function f() { return 'old'; }\nEXPORT f\n",
      main: 'TAKE f FROM a\nfunction probe() { return { call: f() }; }\nEXPORT probe\n',
    },
    expect: { cjs: EDITED, esm: BOUND },
  },
  {
    name: 'declaration that another module takes and gives to an emitter',
    files: {
      a: "function f() { return 'old'; }\nEXPORT f\n",
      main: `
IMPORT a FROM a
const { EventEmitter } = process.getBuiltinModule('node:events');
const emitter = new EventEmitter();
emitter.on('x', (out) => { out.called = a.f(); });
emitter.on('x', function (out) { out.again = a.f(); });
emitter.on('y', a.f);
function probe() {
  const out = {};
  emitter.emit('x', out);
  out.listener = emitter.listeners('y')[0]();
  return out;
}
EXPORT probe
`,
    },
    expect: EDITED,
  },
  {
    name: 'let with a function expression',
    files: {
      a: "let f = function () { return 'old'; };\nfunction g() { return f(); }\nEXPORT g\n",
      main: CALLS.replace('a.f', 'a.g'),
    },
    expect: BOUND,
  },
  {
    name: 'const arrow with braces',
    everywhere: true,
    files: { a: "const f = () => {\n  return 'old';\n};\nEXPORT f\n", main: CALLS },
    expect: EDITED,
  },
  {
    name: 'const arrow without braces',
    files: { a: "const f = () => 'old';\nEXPORT f\n", main: CALLS },
    expect: CODES.liveEditUnsafe,
  },
  {
    name: 'const function expression that calls itself by its own name',
    files: {
      a: "const f = function own(n) {\n  if (n > 0) return own(n - 1);\n  return 'old';\n};\nfunction g() { return f(3); }\nEXPORT f, g\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { call: a.f(2), g: a.g() }; }\nEXPORT probe\n',
    },
    expect: EDITED,
  },
  {
    name: 'recursion',
    files: {
      a: "function f(n = 2) {\n  if (n > 0) return f(n - 1);\n  return 'old';\n}\nEXPORT f\n",
      main: CALLS,
    },
    expect: BOUND,
  },
  {
    name: 'mutual recursion, both edited',
    files: {
      a: `
function even(n) { return n === 0 ? 'old' : odd(n - 1); }
function odd(n) { return n === 0 ? 'odd' : even(n - 1); }
function f() { return even(4); }
EXPORT f
`,
      main: CALLS,
    },
    functions: ['even'],
    expect: BOUND,
  },
  {
    name: 'default parameter',
    files: { a: "function f(x = 'old') { return x; }\nEXPORT f\n", main: CALLS },
    expect: BOUND,
  },
  {
    name: 'new parameter',
    files: {
      a: "function f(a) { return a ?? 'old'; }\nEXPORT f\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { call: a.f(undefined, 1) }; }\nEXPORT probe\n',
    },
    edit: ["(a) { return a ?? 'old'; }", "(a, b) { return b ? 'NEW' : a; }"],
    expect: BOUND,
  },
  {
    name: 'generator function',
    everywhere: true,
    files: {
      a: "function* gen() {\n  yield 'x';\n  yield 'old';\n}\nfunction f() { return [...gen()][1]; }\nEXPORT f\n",
      main: CALLS,
    },
    functions: ['gen'],
    expect: BOUND,
  },
  {
    name: 'async function',
    everywhere: true,
    files: {
      a: "async function f() {\n  await null;\n  return 'old';\n}\nEXPORT f\n",
      main: `
IMPORT a FROM a
async function probe() { return { call: await a.f() }; }
EXPORT probe
`,
    },
    expect: BOUND,
  },
  {
    name: 'async function with a call in flight',
    files: {
      a: `
async function f(gate) {
  await gate;
  return 'old';
}
EXPORT f
`,
      main: `
IMPORT a FROM a
const waiting = a.f(new Promise(() => {}));
async function probe() { return { call: await a.f(), waits: waiting ? await a.f() : '' }; }
EXPORT probe
`,
    },
    expect: BOUND,
  },
  {
    name: 'function that becomes async',
    files: {
      a: "function f() { return 'old'; }\nEXPORT f\n",
      main: 'IMPORT a FROM a\nasync function probe() { return { call: await a.f() }; }\nEXPORT probe\n',
    },
    edit: ["function f() { return 'old'; }", "async function f() { return 'NEW'; }"],
    expect: BOUND,
  },
  {
    name: 'state of the module stays',
    files: {
      a: `
let calls = 0;
function f() { calls += 1; return 'old'; }
function count() { return calls; }
EXPORT f, count
`,
      main: `
IMPORT a FROM a
let seen = 0;
function probe() { seen += 1; const call = a.f(); return { call, count: a.count() === seen ? call : 'lost' }; }
EXPORT probe
`,
    },
    expect: BOUND,
  },
  {
    name: 'module name that nothing captured',
    files: { a: "const spare = 'ne' + 'w';\nfunction f() { return 'old'; }\nEXPORT f\n", main: CALLS },
    edit: ["'old'", 'spare'],
    expect: CODES.nameUnreachable,
  },
  {
    name: 'require that nothing captured',
    everywhere: true,
    files: { a: "function f() { return 'old'; }\nEXPORT f\n", main: CALLS },
    edit: ["'old'", "require('node:path').basename('NEW')"],
    expect: { cjs: CODES.nameUnreachable },
  },
  {
    name: 'function with properties of its own',
    files: {
      a: "function f() { return 'old'; }\nf.tag = 'tag';\nfunction g() { return f.tag === 'tag' ? f() : 'lost'; }\nEXPORT g\n",
      main: CALLS.replace('a.f', 'a.g'),
    },
    functions: ['f'],
    expect: EDITED,
  },
  {
    name: 'constructor function',
    files: {
      a: "function F() {\n  this.x = 'old';\n}\nF.prototype.get = function () { return this.x; };\nfunction f() { return new F().get(); }\nEXPORT f, F\n",
      main: 'IMPORT a FROM a\nfunction probe() { const it = new a.F(); return { call: a.f(), is: it instanceof a.F ? it.get() : "no" }; }\nEXPORT probe\n',
    },
    functions: ['F'],
    expect: EDITED,
  },
  {
    name: 'declaration that is kept in a table',
    files: {
      a: "function one() { return 'old'; }\nconst table = { one };\nfunction f() { return table.one(); }\nfunction g() { return one(); }\nEXPORT f, g\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { table: a.f(), name: a.g() }; }\nEXPORT probe\n',
    },
    functions: ['one'],
    expect: EDITED,
  },
  {
    name: 'declaration bound with bind',
    files: {
      a: "function one() { return 'old'; }\nconst bound = one.bind(null);\nfunction f() { return bound(); }\nfunction g() { return one(); }\nEXPORT f, g\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { bound: a.f(), name: a.g() }; }\nEXPORT probe\n',
    },
    functions: ['one'],
    expect: EDITED,
  },
  {
    name: 'declaration given to a timer',
    files: {
      a: "function tick() { beat = 'old'; }\nlet beat = 'ol' + 'd';\nconst timer = setInterval(tick, 1);\nfunction f() { return new Promise((done) => setTimeout(() => done(beat), 5)); }\nEXPORT f, timer\n",
      main: 'IMPORT a FROM a\nasync function probe() { return { beat: await a.f() }; }\nEXPORT probe\n',
    },
    edit: ["{ beat = 'old'; }", "{ beat = 'NEW'; }"],
    functions: ['tick'],
    expect: EDITED,
  },
  {
    name: 'declaration used by map',
    files: {
      a: "function one(x) { return x ? 'old' : ''; }\nfunction f() { return [1].map(one)[0]; }\nEXPORT f\n",
      main: CALLS,
    },
    functions: ['one'],
    expect: BOUND,
  },
  {
    name: 'declaration given to a server',
    files: {
      a: "function handle(request, response) { response.end('old'); }\nEXPORT handle\n",
      main: `
IMPORT a FROM a
const http = process.getBuiltinModule('node:http');
const server = http.createServer(a.handle);
const listening = new Promise((done) => server.listen(0, '127.0.0.1', done));
server.unref();
async function probe() {
  await listening;
  const { port } = server.address();
  const response = await fetch('http://127.0.0.1:' + port, { headers: { connection: 'close' } });
  return { http: await response.text() };
}
EXPORT probe
`,
    },
    expect: EDITED,
  },
  {
    name: 'name and length of the new function',
    files: {
      a: "function f(a, b) { return 'old'; }\nEXPORT f\n",
      main: 'IMPORT a FROM a\nfunction probe() { const call = a.f(); return { call, name: a.f.name === "f" && a.f.length === 2 ? call : "lost" }; }\nEXPORT probe\n',
    },
    expect: BOUND,
  },
  // ---- exports
  {
    name: 'exports.f = function',
    everywhere: true,
    files: {
      a: "exports.f = function () { return 'old'; };\nexports.g = () => exports.f();\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { f: a.f(), g: a.g() }; }\nEXPORT probe\n',
    },
    functions: ['f'],
    expect: { cjs: BOUND },
  },
  {
    name: 'exports.f = f, and read back inside the module',
    files: {
      a: "function f() { return 'old'; }\nexports.f = f;\nconst kept = [exports.f];\nexports.g = () => kept[0]();\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { f: a.f(), g: a.g() }; }\nEXPORT probe\n',
    },
    functions: ['f'],
    expect: { cjs: EDITED },
  },
  {
    name: 'const f = exports.f = function',
    files: {
      a: "const f = exports.f = function () { return 'old'; };\nexports.g = () => f();\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { f: a.f(), g: a.g() }; }\nEXPORT probe\n',
    },
    functions: ['f'],
    expect: { cjs: EDITED },
  },
  {
    name: 'module.exports = function',
    files: {
      a: "module.exports = function () { return 'old'; };\n",
      main: 'IMPORT f FROM a\nfunction probe() { return { call: f() }; }\nEXPORT probe\n',
    },
    expect: { cjs: EDITED },
  },
  {
    name: 'module.exports = f',
    files: {
      a: "function f() { return 'old'; }\nmodule.exports = f;\n",
      main: 'IMPORT f FROM a\nfunction probe() { return { call: f() }; }\nEXPORT probe\n',
    },
    expect: { cjs: EDITED },
  },
  {
    name: 'module.exports = { f() {} }',
    files: {
      a: "module.exports = {\n  f() { return 'old'; },\n  g() { return module.exports.f(); },\n};\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { f: a.f(), g: a.g() }; }\nEXPORT probe\n',
    },
    functions: ['f'],
    expect: { cjs: BOUND },
  },
  {
    name: 'export default function, called',
    everywhere: true,
    files: {
      a: "export default function f() { return 'old'; }\n",
      main: "import anything from './a.mjs';\nexport function probe() { return { call: anything() }; }\n",
    },
    functions: ['f'],
    expect: { esm: BOUND },
  },
  {
    name: 'export default function, given away under another name',
    files: {
      a: "export default function f() { return 'old'; }\n",
      main: "import anything from './a.mjs';\nconst kept = [anything];\nexport function probe() { return { kept: kept[0]() }; }\n",
    },
    functions: ['f'],
    expect: { esm: EDITED },
  },
  {
    name: 'export default of a name',
    files: {
      a: "function f() { return 'old'; }\nexport default f;\n",
      main: "import anything from './a.mjs';\nexport function probe() { return { call: anything() }; }\n",
    },
    expect: { esm: EDITED },
  },
  {
    name: 'anonymous export default',
    files: {
      a: "export default function () { return 'old'; }\n",
      main: "import f from './a.mjs';\nexport function probe() { return { call: f() }; }\n",
    },
    expect: { esm: EDITED },
  },
  {
    name: 'barrel with spread',
    files: {
      a: "function f() { return 'old'; }\nEXPORT f\n",
      index: 'IMPORT a FROM a\nconst api = { ...a };\nEXPORT api\n',
      main: 'IMPORT index FROM index\nfunction probe() { return { call: index.api.f() }; }\nEXPORT probe\n',
    },
    expect: EDITED,
  },
  {
    name: 'barrel: module.exports = { ...require() }',
    files: {
      a: "function f() { return 'old'; }\nEXPORT f\n",
      index: "module.exports = { ...require('./a.cjs') };\n",
      main: 'IMPORT index FROM index\nfunction probe() { return { call: index.f() }; }\nEXPORT probe\n',
    },
    expect: { cjs: BOUND },
  },
  {
    name: 'barrel: Object.assign(exports, require())',
    files: {
      a: "function f() { return 'old'; }\nEXPORT f\n",
      index: "Object.assign(exports, require('./a.cjs'));\n",
      main: 'IMPORT index FROM index\nfunction probe() { return { call: index.f() }; }\nEXPORT probe\n',
    },
    expect: { cjs: BOUND },
  },
  {
    name: 'barrel: export * from',
    files: {
      a: "export function f() { return 'old'; }\n",
      index: "export * from './a.mjs';\nexport { f as renamed } from './a.mjs';\n",
      main: "import { f, renamed } from './index.mjs';\nexport function probe() { return { f: f(), renamed: renamed() }; }\n",
    },
    expect: { esm: BOUND },
  },
  {
    name: 'taken through a barrel of another name',
    files: {
      a: "export function f() { return 'old'; }\n",
      api: "export { f } from './a.mjs';\n",
      main: "import { f } from './api.mjs';\nconst kept = [f];\nexport function probe() { return { kept: kept[0]() }; }\n",
    },
    expect: { esm: EDITED },
  },
  {
    name: 'taken through a barrel, under another name',
    files: {
      a: "export function f() { return 'old'; }\n",
      api: "export { f as other } from './a.mjs';\n",
      main: "import { other } from './api.mjs';\nconst kept = [other];\nexport function probe() { return { kept: kept[0]() }; }\n",
    },
    expect: { esm: EDITED },
  },
  {
    name: 'namespace given to a function that walks it',
    files: {
      a: "function f() { return 'old'; }\nEXPORT f\n",
      main: `
IMPORT a FROM a
const routes = new Map(Object.entries(a));
function probe() { return { route: routes.get('f')() }; }
EXPORT probe
`,
    },
    expect: EDITED,
  },
  {
    name: 'namespace read by a computed name',
    files: {
      a: "function f() { return 'old'; }\nEXPORT f\n",
      main: `
IMPORT a FROM a
const key = ['f'][0];
const kept = a[key];
function probe() { return { kept: kept() }; }
EXPORT probe
`,
    },
    expect: EDITED,
  },
  {
    name: 'namespace called by a computed name',
    files: {
      a: "function f() { return 'old'; }\nEXPORT f\n",
      main: `
IMPORT a FROM a
function probe() { const key = ['f'][0]; return { call: a[key]() }; }
EXPORT probe
`,
    },
    expect: BOUND,
  },
  {
    name: 'exported under two keys',
    files: {
      a: "function f() { return 'old'; }\nexports.f = f;\nexports.alias = f;\nexports['quoted-name'] = f;\n",
      main: "IMPORT a FROM a\nfunction probe() { return { f: a.f(), alias: a.alias(), quoted: a['quoted-name']() }; }\nEXPORT probe\n",
    },
    functions: ['f'],
    expect: { cjs: BOUND },
  },
  {
    name: 'exported alias taken by destructuring',
    files: {
      a: "function f() { return 'old'; }\nmodule.exports = { alias: f };\n",
      main: "const { alias } = require('./a.cjs');\nexports.probe = () => ({ alias: alias() });\n",
    },
    functions: ['f'],
    expect: { cjs: EDITED },
  },
  {
    name: 'dynamic import that is kept',
    files: {
      a: "export function f() { return 'old'; }\n",
      main: "const kept = await import('./a.mjs').then((m) => m.f);\nexport function probe() { return { kept: kept() }; }\n",
    },
    expect: { esm: EDITED },
  },
  {
    name: 'exported through a getter',
    files: {
      a: "Object.defineProperty(exports, 'f', { enumerable: true, get: function () { return f; } });\nfunction f() { return 'old'; }\n",
      main: CALLS,
    },
    functions: ['f'],
    expect: { cjs: BOUND },
  },
  {
    name: 'module in a package',
    files: {
      'node_modules/pkg/package.json': '{ "name": "pkg", "main": "lib/index.cjs" }',
      'node_modules/pkg/lib/index.cjs': "const { f } = require('./a.cjs');\nexports.f = () => f();\n",
      'node_modules/pkg/lib/a.cjs': "function f() { return 'old'; }\nmodule.exports = { f };\n",
      main: "const pkg = require('pkg');\nexports.probe = () => ({ call: pkg.f() });\n",
    },
    edited: 'node_modules/pkg/lib/a.cjs',
    expect: { cjs: EDITED },
  },
  // ---- classes
  {
    name: 'method on an instance that is alive',
    files: {
      a: "class A {\n  m() { return 'old'; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { alive: it.m(), fresh: new a.A().m() }; }\nEXPORT probe\n',
    },
    expect: BOUND,
  },
  {
    name: 'inherited method with super',
    everywhere: true,
    files: {
      b: "class B {\n  m() { return 'ld'; }\n}\nEXPORT B\n",
      a: "IMPORT b FROM b\nclass A extends b.B {\n  m() { return 'o' + super.m(); }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nclass C extends a.A {}\nconst it = new C();\nfunction probe() { return { alive: it.m() }; }\nEXPORT probe\n',
    },
    edit: ["return 'o' + super.m()", "return super.m() === 'ld' ? 'NEW' : 'lost'"],
    expect: BOUND,
  },
  {
    name: 'method that a subclass calls with super',
    files: {
      a: "class A {\n  m() { return 'old'; }\n}\nclass C extends A {\n  m() { return super.m(); }\n}\nEXPORT A, C\n",
      main: 'IMPORT a FROM a\nconst it = new a.C();\nfunction probe() { return { c: it.m(), a: new a.A().m() }; }\nEXPORT probe\n',
    },
    functions: ['A.m'],
    expect: BOUND,
  },
  {
    name: 'private method',
    everywhere: true,
    files: {
      a: "class A {\n  #p() { return 'old'; }\n  m() { return this.#p(); }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { alive: it.m() }; }\nEXPORT probe\n',
    },
    functions: ['A.#p'],
    expect: EDITED,
  },
  {
    name: 'method that uses a private field',
    everywhere: true,
    files: {
      a: "class A {\n  #x = 'x';\n  m() { return this.#x === 'x' ? 'old' : ''; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { alive: it.m(), fresh: new a.A().m() }; }\nEXPORT probe\n',
    },
    expect: BOUND,
  },
  {
    name: 'getter',
    everywhere: true,
    files: {
      a: "class A {\n  get x() { return 'old'; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { alive: it.x }; }\nEXPORT probe\n',
    },
    expect: BOUND,
  },
  {
    name: 'setter',
    files: {
      a: "class A {\n  get x() { return this.y; }\n  set x(v) { this.y = 'old'; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { it.x = 1; return { alive: it.x }; }\nEXPORT probe\n',
    },
    expect: BOUND,
  },
  {
    name: 'static method',
    files: {
      a: "class A {\n  static m() { return 'old'; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { call: a.A.m() }; }\nEXPORT probe\n',
    },
    expect: BOUND,
  },
  {
    name: 'static method that nothing else reaches',
    everywhere: true,
    files: {
      a: "class A {\n  static m() { return A.n(); }\n  static n() { return 'old'; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nclass C extends a.A {}\nfunction probe() { return { call: a.A.m(), inherited: C.n() }; }\nEXPORT probe\n',
    },
    functions: ['A.n'],
    expect: BOUND,
  },
  {
    name: 'constructor',
    everywhere: true,
    files: {
      a: "class A {\n  constructor() {\n    this.x = 'old';\n  }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { fresh: new a.A().x }; }\nEXPORT probe\n',
    },
    expect: EDITED,
  },
  {
    name: 'class field arrow on an instance that is alive',
    everywhere: true,
    files: {
      a: "class A {\n  m = () => {\n    return 'old';\n  };\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { alive: it.m(), fresh: new a.A().m() }; }\nEXPORT probe\n',
    },
    expect: EDITED,
  },
  {
    name: 'class field value',
    files: {
      a: "class A {\n  x = 'old';\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { fresh: new a.A().x }; }\nEXPORT probe\n',
    },
    expect: CODES.outsideFunctions,
  },
  {
    name: 'method bound in the constructor',
    files: {
      a: "class A {\n  constructor() {\n    this.m = this.m.bind(this);\n  }\n  m() { return 'old'; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { alive: it.m(), fresh: new a.A().m() }; }\nEXPORT probe\n',
    },
    functions: ['A.m'],
    expect: EDITED,
  },
  {
    name: 'method that another module keeps',
    files: {
      a: "class A {\n  m() { return 'old'; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst { m } = new a.A();\nfunction probe() { return { kept: m() }; }\nEXPORT probe\n',
    },
    expect: EDITED,
  },
  {
    name: 'class expression',
    everywhere: true,
    files: {
      a: "const A = class Named {\n  m() { return Named.tag; }\n  n() { return Named.tag; }\n  static tag = 'old';\n};\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { alive: it.m() }; }\nEXPORT probe\n',
    },
    edit: ['m() { return Named.tag; }', "m() { return Named.tag === 'old' ? 'NEW' : 'lost'; }"],
    expect: BOUND,
  },
  {
    name: 'class expression whose inner name nothing captured',
    files: {
      a: "const A = class Named {\n  m() { return 'old'; }\n};\nfunction make() { return new A(); }\nEXPORT A, make\n",
      main: 'IMPORT a FROM a\nconst it = a.make();\nfunction probe() { return { alive: it.m() }; }\nEXPORT probe\n',
    },
    edit: ["'old'", "(Named ? 'NEW' : '')"],
    expect: CODES.nameUnreachable,
  },
  {
    name: 'method through inheritance from a class of another module',
    files: {
      a: "class A {\n  m() { return this.n(); }\n  n() { return 'old'; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nclass C extends a.A {\n  own() { return this.n(); }\n}\nconst it = new C();\nfunction probe() { return { m: it.m(), own: it.own() }; }\nEXPORT probe\n',
    },
    functions: ['A.n'],
    expect: BOUND,
  },
  {
    name: 'method that a decorator took by its name',
    files: {
      a: `
const routes = [];
const route = (target, key) => routes.push(target[key]);
class A {
  m() { return 'old'; }
}
route(A.prototype, 'm');
function f() { return routes[0](); }
EXPORT A, f
`,
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { route: a.f(), it: it.m() }; }\nEXPORT probe\n',
    },
    functions: ['A.m'],
    expect: EDITED,
  },
  {
    name: 'async method and generator method',
    files: {
      a: "class A {\n  async m() { return 'old'; }\n  *g() { yield 'g'; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nasync function probe() { return { alive: await it.m() }; }\nEXPORT probe\n',
    },
    expect: BOUND,
  },
  {
    name: 'methods with names of Object.prototype',
    files: {
      a: "class A {\n  toString() { return 'old'; }\n  hasOwnProperty() { return true; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { alive: String(it), call: it.toString() }; }\nEXPORT probe\n',
    },
    expect: BOUND,
  },
  {
    name: 'computed method name',
    files: {
      a: "class A {\n  [Symbol.toPrimitive]() { return 'old'; }\n}\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { alive: `${it}` }; }\nEXPORT probe\n',
    },
    expect: EDITED,
  },
  {
    name: 'class made inside a function',
    files: {
      a: "function make() {\n  return class A {\n    m() { return 'old'; }\n  };\n}\nconst A = make();\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { alive: it.m() }; }\nEXPORT probe\n',
    },
    expect: CODES.liveEditUnsafe,
  },
  {
    name: 'old-style prototype',
    files: {
      a: "function A() {}\nA.prototype.m = function () { return 'old'; };\nfunction make() { return new A(); }\nEXPORT A, make\n",
      main: 'IMPORT a FROM a\nconst it = a.make();\nfunction probe() { return { alive: it.m(), fresh: new a.A().m() }; }\nEXPORT probe\n',
    },
    functions: ['A.m'],
    expect: BOUND,
  },
  {
    name: 'old-style prototype under an alias',
    files: {
      a: "function A() {}\nA.prototype.m = A.prototype.n = function () { return 'old'; };\nfunction make() { return new A(); }\nEXPORT A, make\n",
      main: 'IMPORT a FROM a\nconst it = a.make();\nfunction probe() { return { m: it.m(), n: it.n() }; }\nEXPORT probe\n',
    },
    expect: EDITED,
  },
  {
    name: 'prototype object literal',
    files: {
      a: "function A() {}\nA.prototype = {\n  constructor: A,\n  m: function () { return 'old'; },\n};\nfunction make() { return new A(); }\nEXPORT A, make\n",
      main: 'IMPORT a FROM a\nconst it = a.make();\nfunction probe() { return { m: it.m() }; }\nEXPORT probe\n',
    },
    functions: ['A.prototype.m'],
    expect: BOUND,
  },
  // ---- objects
  {
    name: 'object method',
    files: {
      a: "const api = {\n  m() { return 'old'; },\n};\nfunction f() { return api.m(); }\nEXPORT f\n",
      main: CALLS,
    },
    functions: ['api.m'],
    expect: BOUND,
  },
  {
    name: 'object function property',
    files: {
      a: "const api = {\n  m: function () { return 'old'; },\n};\nfunction f() { return api.m(); }\nEXPORT f\n",
      main: CALLS,
    },
    functions: ['api.m'],
    expect: BOUND,
  },
  {
    name: 'object arrow property',
    files: {
      a: "const api = {\n  m: () => 'old',\n};\nfunction f() { return api.m(); }\nEXPORT f\n",
      main: CALLS,
    },
    functions: ['api.m'],
    expect: BOUND,
  },
  {
    name: 'object getter',
    files: {
      a: "const api = {\n  get m() { return 'old'; },\n};\nfunction f() { return api.m; }\nEXPORT f\n",
      main: CALLS,
    },
    functions: ['api.m'],
    expect: BOUND,
  },
  {
    name: 'exported object with methods',
    files: {
      a: "const api = {\n  m() { return this.n(); },\n  n() { return 'old'; },\n};\nfunction f() { return api.n(); }\nEXPORT api, f\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { m: a.api.m(), f: a.f() }; }\nEXPORT probe\n',
    },
    functions: ['api.n'],
    expect: BOUND,
  },
  {
    name: 'object given to a library that copies its methods',
    files: {
      a: `
const { Readable } = process.getBuiltinModule('node:stream');
const options = {
  read() { this.push('old'); this.push(null); },
};
const make = () => new Readable(options);
const early = make();
async function f() { for await (const chunk of make()) return String(chunk); }
async function g() { for await (const chunk of early) return String(chunk); }
EXPORT f, g, options
`,
      main: `
IMPORT a FROM a
let early;
async function probe() { return { f: await a.f() }; }
EXPORT probe
`,
    },
    functions: ['options.read'],
    expect: EDITED,
  },
  {
    name: 'object whose entries are registered',
    files: {
      a: `
const routes = {
  home() { return 'old'; },
};
const table = new Map(Object.entries(routes));
function f() { return table.get('home')(); }
function g() { return routes.home(); }
EXPORT f, g
`,
      main: 'IMPORT a FROM a\nfunction probe() { return { table: a.f(), own: a.g() }; }\nEXPORT probe\n',
    },
    functions: ['routes.home'],
    expect: EDITED,
  },
  {
    name: 'object that is spread into another',
    files: {
      a: `
const base = {
  m() { return 'old'; },
};
const api = { ...base };
function f() { return api.m(); }
function g() { return base.m(); }
EXPORT f, g
`,
      main: 'IMPORT a FROM a\nfunction probe() { return { api: a.f(), base: a.g() }; }\nEXPORT probe\n',
    },
    functions: ['base.m'],
    expect: EDITED,
  },
  {
    name: 'exported object whose entries another module registers',
    files: {
      a: "const routes = {\n  home() { return 'old'; },\n};\nfunction own() { return routes.home(); }\nEXPORT routes, own\n",
      main: `
IMPORT a FROM a
const table = new Map(Object.entries(a.routes));
function probe() { return { table: table.get('home')(), own: a.own() }; }
EXPORT probe
`,
    },
    functions: ['routes.home'],
    expect: EDITED,
  },
  {
    name: 'object reached by a computed key',
    files: {
      a: "const table = {\n  one() { return 'old'; },\n};\nfunction f(key = 'one') { return table[key](); }\nEXPORT f\n",
      main: CALLS,
    },
    functions: ['table.one'],
    expect: BOUND,
  },
  {
    name: 'object method taken by a computed key',
    files: {
      a: "const table = {\n  one() { return 'old'; },\n};\nconst key = ['one'][0];\nconst kept = table[key];\nfunction f() { return kept(); }\nfunction g() { return table.one(); }\nEXPORT f, g\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { kept: a.f(), table: a.g() }; }\nEXPORT probe\n',
    },
    functions: ['table.one'],
    expect: EDITED,
  },
  // ---- closures
  {
    name: 'closure alive',
    everywhere: true,
    files: {
      a: "function make() {\n  return function inner() {\n    return 'old';\n  };\n}\nconst kept = make();\nEXPORT make, kept\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { kept: a.kept(), fresh: a.make()() }; }\nEXPORT probe\n',
    },
    expect: EDITED,
  },
  {
    name: 'function that a closure alive calls',
    files: {
      a: "function make() {\n  function inner() {\n    return 'old';\n  }\n  return () => inner();\n}\nconst kept = make();\nEXPORT make, kept\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { kept: a.kept(), fresh: a.make()() }; }\nEXPORT probe\n',
    },
    expect: EDITED,
  },
  {
    name: 'inner function that is only called',
    files: {
      a: "function f() {\n  function inner() {\n    return 'old';\n  }\n  return inner();\n}\nEXPORT f\n",
      main: CALLS,
    },
    expect: BOUND,
  },
  {
    name: 'inner const arrow that is only called',
    files: {
      a: "function f() {\n  const inner = () => 'old';\n  return inner();\n}\nEXPORT f\n",
      main: CALLS,
    },
    expect: BOUND,
  },
  {
    name: 'callback of map',
    files: {
      a: "function f() {\n  return [1].map((x) => (x ? 'old' : ''))[0];\n}\nEXPORT f\n",
      main: CALLS,
    },
    expect: BOUND,
  },
  {
    name: 'callback of then',
    files: {
      a: "function f() {\n  return Promise.resolve().then(() => 'old');\n}\nEXPORT f\n",
      main: 'IMPORT a FROM a\nasync function probe() { return { call: await a.f() }; }\nEXPORT probe\n',
    },
    expect: BOUND,
  },
  {
    name: 'callback given to an emitter before',
    files: {
      a: `
const { EventEmitter } = process.getBuiltinModule('node:events');
const app = new EventEmitter();
app.on('/', (out) => {
  out.push('old');
});
function f() { const out = []; app.emit('/', out); return out[0]; }
EXPORT f
`,
      main: CALLS,
    },
    expect: EDITED,
  },
  {
    name: 'route handler of a server that runs',
    everywhere: true,
    files: {
      a: `
const http = process.getBuiltinModule('node:http');
const server = http.createServer((request, response) => {
  const body = 'old';
  response.end(body);
});
const listening = new Promise((done) => server.listen(0, '127.0.0.1', done));
server.unref();
async function f() {
  await listening;
  const { port } = server.address();
  const response = await fetch('http://127.0.0.1:' + port, { headers: { connection: 'close' } });
  return response.text();
}
EXPORT f
`,
      main: 'IMPORT a FROM a\nasync function probe() { return { http: await a.f() }; }\nEXPORT probe\n',
    },
    edit: ["const body = 'old';", "const body = 'NEW';"],
    expect: EDITED,
  },
  {
    name: 'function in a UMD wrapper',
    files: {
      a: `
(function (root, factory) {
  if (typeof module === 'object') module.exports = factory();
  else root.lib = factory();
})(this, function () {
  function f() { return 'old'; }
  return { f: f };
});
`,
      main: 'IMPORT a FROM a\nfunction probe() { return { call: a.f() }; }\nEXPORT probe\n',
    },
    expect: { cjs: EDITED },
  },
  {
    name: 'function in an immediately called function',
    files: {
      a: `
const lib = (function () {
  function f() { return 'old'; }
  return { f };
})();
function f() { return lib.f(); }
EXPORT f
`,
      main: CALLS,
    },
    expect: EDITED,
  },
  // ---- texts
  {
    name: 'use strict',
    files: {
      a: "'use strict';\nfunction f() { return this === undefined ? 'old' : 'sloppy'; }\nfunction g() { return f(); }\nEXPORT g\n",
      main: CALLS.replace('a.f', 'a.g'),
    },
    functions: ['f'],
    expect: BOUND,
  },
  {
    name: 'sloppy mode',
    files: {
      a: "function f() { return this === globalThis ? 'old' : 'strict'; }\nfunction g() { return f(); }\nmodule.exports = { g };\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { call: a.g() }; }\nEXPORT probe\n',
    },
    functions: ['f'],
    expect: { cjs: BOUND },
  },
  {
    name: 'CRLF',
    files: { a: "function f() {\r\n  return 'old';\r\n}\r\nmodule.exports = { f };\r\n", main: CALLS },
    expect: { cjs: BOUND },
  },
  {
    name: 'byte order mark',
    files: { a: "\uFEFFfunction f() {\n  return 'old';\n}\nEXPORT f\n", main: CALLS },
    expect: BOUND,
  },
  {
    name: 'shebang',
    files: { a: "#!/usr/bin/env node\nfunction f() {\n  return 'old';\n}\nEXPORT f\n", main: CALLS },
    expect: BOUND,
  },
  {
    name: 'byte order mark and a live edit',
    everywhere: true,
    files: { a: "\uFEFFconst f = () => {\n  return 'old';\n};\nEXPORT f\n", main: CALLS },
    expect: EDITED,
  },
  {
    name: 'shebang and a live edit',
    files: { a: "#!/usr/bin/env node\nconst f = () => {\n  return 'old';\n};\nEXPORT f\n", main: CALLS },
    expect: EDITED,
  },
  {
    name: 'unicode names',
    files: {
      a: "function größe() { return 'old'; }\nfunction f() { return größe(); }\nEXPORT f\n",
      main: CALLS,
    },
    functions: ['größe'],
    expect: BOUND,
  },
  {
    name: 'very long line',
    files: {
      a: `const pad = '${'x'.repeat(3000)}'; function f() { return pad ? 'old' : ''; } function g() { return f(); }\nEXPORT g\n`,
      main: CALLS.replace('a.f', 'a.g'),
    },
    functions: ['f'],
    expect: BOUND,
  },
  {
    name: 'very long line and a live edit',
    files: {
      a: `const pad = '${'x'.repeat(3000)}'; const f = () => { return pad ? 'old' : ''; };\nEXPORT f\n`,
      main: CALLS,
    },
    expect: CODES.liveEditUnsafe,
  },
  {
    name: 'functions with names of Object.prototype',
    files: {
      a: "function hasOwnProperty() { return 'old'; }\nfunction constructor() { return hasOwnProperty(); }\nfunction f() { return constructor(); }\nEXPORT f\n",
      main: CALLS,
    },
    functions: ['hasOwnProperty'],
    expect: BOUND,
  },
  {
    name: 'function called __proto__',
    files: {
      a: "function __proto__() { return 'old'; }\nfunction f() { return __proto__(); }\nEXPORT f\n",
      main: CALLS,
    },
    functions: ['__proto__'],
    expect: BOUND,
  },
  {
    name: 'comment between function and name',
    files: {
      a: "function /* of mine */ f /* here */ () { return 'old'; }\nfunction g() { return f(); }\nEXPORT g\n",
      main: CALLS.replace('a.f', 'a.g'),
    },
    functions: ['f'],
    expect: BOUND,
  },
  // ---- found by hunting
  {
    name: 'CommonJS function that an ES module imports by name',
    everywhere: true,
    files: {
      'a.cjs': "function f() { return 'old'; }\nmodule.exports = { f };\n",
      main: "import { f } from './a.cjs';\nexport function probe() { return { call: f() }; }\n",
    },
    edited: 'a.cjs',
    expect: { esm: EDITED },
  },
  {
    name: 'CommonJS function that an ES module reads from a namespace',
    files: {
      'a.cjs': "function f() { return 'old'; }\nmodule.exports = { f };\n",
      main: "import * as a from './a.cjs';\nexport function probe() { return { call: a.f() }; }\n",
    },
    edited: 'a.cjs',
    expect: { esm: EDITED },
  },
  {
    name: 'CommonJS function that an ES module reads from the default import',
    files: {
      'a.cjs': "function f() { return 'old'; }\nmodule.exports = { f };\n",
      main: "import a from './a.cjs';\nexport function probe() { return { call: a.f() }; }\n",
    },
    edited: 'a.cjs',
    expect: { esm: BOUND },
  },
  {
    name: 'taken through two barrels, under another name each time',
    files: {
      subject: "export function f() { return 'old'; }\n",
      one: "export { f as first } from './subject.mjs';\n",
      two: "export { first as second } from './one.mjs';\n",
      main: "import { second } from './two.mjs';\nconst kept = [second];\nexport function probe() { return { kept: kept[0]() }; }\n",
    },
    edited: 'subject',
    expect: { esm: EDITED },
  },
  {
    name: 'export * as, called and taken',
    files: {
      a: "export function f() { return 'old'; }\n",
      index: "export * as tools from './a.mjs';\n",
      main: "import { tools } from './index.mjs';\nconst kept = [tools.f];\nexport function probe() { return { kept: kept[0](), call: tools.f() }; }\n",
    },
    expect: { esm: EDITED },
  },
  {
    name: 'export * as, called',
    files: {
      a: "export function f() { return 'old'; }\n",
      index: "export * as tools from './a.mjs';\n",
      main: "import { tools } from './index.mjs';\nexport function probe() { return { call: tools.f() }; }\n",
    },
    expect: { esm: BOUND },
  },
  {
    name: 'namespace given away inside a container',
    files: {
      a: "function f() { return 'old'; }\nEXPORT f\n",
      main: `
IMPORT a FROM a
const services = { a };
const kept = (({ a: inner }) => inner.f)(services);
function probe() { return { kept: kept() }; }
EXPORT probe
`,
    },
    expect: EDITED,
  },
  {
    name: 'namespace kept in an object and called through it',
    files: {
      a: "function f() { return 'old'; }\nEXPORT f\n",
      main: `
IMPORT a FROM a
const services = { a };
function probe() { return { call: services.a.f() }; }
EXPORT probe
`,
    },
    expect: BOUND,
  },
  {
    name: 'loop that never ends',
    everywhere: true,
    files: {
      a: `
let turn = () => {};
let said = 'ol' + 'd';
async function loop() {
  while (true) {
    await new Promise((resolve) => (turn = resolve));
    said = 'old';
  }
}
loop();
function f() { turn(); return new Promise((resolve) => setTimeout(() => resolve(said), 1)); }
EXPORT f
`,
      main: 'IMPORT a FROM a\nasync function probe() { return { said: await a.f() }; }\nEXPORT probe\n',
    },
    edit: ["    said = 'old';", "    said = 'NEW';"],
    functions: ['loop'],
    expect: CODES.functionActive,
  },
  {
    name: 'door beside a function that shadows a global',
    files: {
      a: `
function g(process) { return process; }
function f() { return 'old'; }
EXPORT f, g
`,
      main: 'IMPORT a FROM a\nfunction probe() { a.g({ pid: 0 }); return { call: a.f() }; }\nEXPORT probe\n',
    },
    edit: ["'old'", "(process.pid ? 'NEW' : 'shadowed')"],
    expect: BOUND,
  },
  {
    name: 'inner function that only inner functions call',
    files: {
      a: "function f() {\n  function one() { return 'old'; }\n  function two() { return one(); }\n  return [1].map(() => two())[0];\n}\nEXPORT f\n",
      main: CALLS,
    },
    expect: BOUND,
  },
  {
    name: 'inner function that a returned inner function calls',
    files: {
      a: "function make() {\n  function one() {\n    return 'old';\n  }\n  function two() { return one(); }\n  return two;\n}\nconst kept = make();\nEXPORT make, kept\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { kept: a.kept() }; }\nEXPORT probe\n',
    },
    expect: EDITED,
  },
  {
    name: 'callback inside a closure that is alive',
    files: {
      a: "function make() {\n  return () => {\n    return [1].map(() => 'old')[0];\n  };\n}\nconst kept = make();\nEXPORT make, kept\n",
      main: 'IMPORT a FROM a\nfunction probe() { return { kept: a.kept() }; }\nEXPORT probe\n',
    },
    expect: EDITED,
  },
  {
    name: 'method overridden with the same text',
    everywhere: true,
    files: {
      a: `
class A {
  m() { return this.tag(); }
  tag() { return 'old'; }
}
class B extends A {
  m() { return this.tag(); }
}
EXPORT A, B
`,
      main: 'IMPORT a FROM a\nconst [one, two] = [new a.A(), new a.B()];\nfunction probe() { return { a: two.m() === "old" ? one.m() : "wrong" }; }\nEXPORT probe\n',
    },
    edit: ['class A {\n  m() { return this.tag(); }', "class A {\n  m() { return this.tag() && 'NEW'; }"],
    functions: ['A.m'],
    expect: BOUND,
  },
  {
    name: 'object with __proto__ and super',
    everywhere: true,
    files: {
      a: `
const base = { m() { return 'ld'; } };
const api = {
  __proto__: base,
  m() { return 'o' + super.m(); },
};
function f() { return api.m(); }
EXPORT f
`,
      main: CALLS,
    },
    edit: ["return 'o' + super.m();", "return super.m() === 'ld' ? 'NEW' : 'lost';"],
    functions: ['api.m'],
    expect: BOUND,
  },
  {
    name: 'app = exports = module.exports = {}',
    files: {
      a: "var app = exports = module.exports = {};\napp.m = function m() { return 'old'; };\napp.n = function () { return app.m(); };\n",
      main: "const a = require('./a.cjs');\nexports.probe = () => ({ m: a.m(), n: a.n() });\n",
    },
    functions: ['app.m'],
    expect: { cjs: BOUND },
  },
  {
    name: 'app = exports = module.exports = {}, mixed into another object',
    files: {
      a: "var app = exports = module.exports = {};\napp.m = function m() { return 'old'; };\napp.n = function () { return app.m(); };\n",
      main: "const a = require('./a.cjs');\nconst mixin = (to, from) => Object.assign(to, from);\nconst it = mixin({}, a);\nexports.probe = () => ({ m: it.m(), n: a.n() });\n",
    },
    functions: ['app.m'],
    expect: { cjs: EDITED },
  },
  {
    name: 'function declaration that becomes a const arrow',
    files: { a: "function f() { return 'old'; }\nEXPORT f\n", main: CALLS },
    edit: ["function f() { return 'old'; }", "const f = () => 'NEW';"],
    functions: ['f'],
    expect: BOUND,
  },
  {
    name: 'function that uses this becomes an arrow that does',
    files: {
      a: "const api = {\n  x: 'old',\n  m() { return this.x; },\n};\nfunction f() { return api.m(); }\nEXPORT f\n",
      main: CALLS,
    },
    edit: ['m() { return this.x; }', "m: () => this.x + 'NEW'"],
    functions: ['api.m'],
    expect: CODES.shapeChanged,
  },
  {
    name: 'listener with the same label inserted before another',
    files: {
      a: `
const { EventEmitter } = process.getBuiltinModule('node:events');
const bus = new EventEmitter();
bus.on('x', (out) => {
  out.first = 'old';
});
bus.on('x', (out) => {
  out.second = 'ol' + 'd';
});
function f() { const out = {}; bus.emit('x', out); return out; }
EXPORT f
`,
      main: 'IMPORT a FROM a\nfunction probe() { return a.f(); }\nEXPORT probe\n',
    },
    edit: [
      "bus.on('x', (out) => {\n  out.first = 'old';",
      "bus.on('x', (out) => {\n  out.zero = 'NEW';\n});\nbus.on('x', (out) => {\n  out.first = 'old';",
    ],
    functions: ["bus.on('x')#2"],
    expect: CODES.ambiguousFunction,
  },
  {
    name: 'class in a function that is called at once',
    files: {
      a: "const A = (() => {\n  const tag = 'ol';\n  class A {\n    m() { return tag + 'd'; }\n  }\n  return A;\n})();\nEXPORT A\n",
      main: 'IMPORT a FROM a\nconst it = new a.A();\nfunction probe() { return { alive: it.m() }; }\nEXPORT probe\n',
    },
    edit: ["tag + 'd'", "(tag === 'ol' ? 'NEW' : 'lost')"],
    expect: CODES.liveEditUnsafe,
  },
  {
    name: 'method of the instance that another file reads by name without calling',
    files: {
      a: "class A {\n  m() { return 'old'; }\n}\nEXPORT A\n",
      b: "function ask(it) { return it.m ? it.m() : 'none'; }\nEXPORT ask\n",
      main: 'IMPORT a FROM a\nIMPORT b FROM b\nconst it = new a.A();\nfunction probe() { return { asked: b.ask(it), and: it.m && it.m() }; }\nEXPORT probe\n',
    },
    expect: BOUND,
  },
  {
    name: 'generator with an open loop',
    files: {
      a: "function* ids() {\n  for (;;) yield 'old';\n}\nconst early = ids();\nfunction f() { return early.next().value; }\nEXPORT f, ids\n",
      main: CALLS,
    },
    functions: ['ids'],
    expect: CODES.functionActive,
  },
];
