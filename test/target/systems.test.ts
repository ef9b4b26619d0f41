import assert from 'node:assert/strict';
import * as darwin from '../../extension/target/processes/darwin.ts';
import { parseStat, parseStatus } from '../../extension/target/processes/linux.ts';
import { parseSocketTable } from '../../extension/target/processes/linuxSockets.ts';
import { parseVersionHeader } from '../../extension/target/processes/nodeVersion.ts';
import { collides, formatEndpoint, parseEndpoint } from '../../extension/target/processes/process.ts';
import * as windows from '../../extension/target/processes/windows.ts';

describe('what Linux tells', () => {
  it('reads stat of a program whose name holds blanks and brackets', () => {
    const text = `42 (a) b (c) S ${Array.from({ length: 18 }, (_, at) => at).join(' ')} 162231 2990080 417`;
    assert.deepEqual(parseStat(text), { state: 'S', startTicks: '162231' });
    assert.equal(parseStat(''), null);
  });

  it('reads status', () => {
    const text =
      'Name:\tnode\nState:\tT (stopped)\nUid:\t1000\t1001\t1001\t1001\nSigCgt:\t0000000100004602\n';
    assert.deepEqual(parseStatus(text), {
      name: 'node',
      state: 'T',
      effectiveUid: 1001,
      caught: 0x100004602n,
    });
  });

  it('reads listening sockets, IPv4 and IPv6', () => {
    const head =
      '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
    const line = (local: string, state: string, inode: number) =>
      `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 ${inode} 1 0 100 0 0 10 0\n`;
    const text =
      head +
      line('0100007F:240D', '0A', 1) +
      line('0100007F:240E', '01', 2) +
      line('00000000:07E8', '0A', 3) +
      line('00000000000000000000000001000000:240D', '0A', 4) +
      line('00000000000000000000000000000000:0050', '0A', 5) +
      line('0000000000000000FFFF00000100007F:0051', '0A', 6) +
      line('B80D01200000000000000000010000FE:0052', '0A', 7);
    assert.deepEqual(parseSocketTable(text).map((one) => `${formatEndpoint(one)} ${one.inode}`), [
      '127.0.0.1:9229 1', '0.0.0.0:2024 3', '[::1]:9229 4', '[::]:80 5', '127.0.0.1:81 6', '[2001:db8:0:0:0:0:fe00:1]:82 7',
    ]); // prettier-ignore
    assert.deepEqual(parseSocketTable(''), []);
  });

  it('reads node_version.h', () => {
    const text =
      '#define NODE_MAJOR_VERSION 22\n#define NODE_MINOR_VERSION 3\n#define NODE_PATCH_VERSION 1\n';
    assert.equal(parseVersionHeader(text), '22.3.1');
    assert.equal(parseVersionHeader('#define NODE_MAJOR_VERSION 22\n'), null);
  });
});

// Written after ps(1) and lsof(8) of macOS 14; not recorded on one.
describe('what macOS tells', () => {
  const table = [
    '  501   501 ada              S    Fri Nov 21 03:36:00 2025 /usr/local/bin/node',
    '77001   501 ada              T+   Sat Nov  1 13:06:09 2025 /Applications/My Node/bin/node-22',
    '    1     0 root             Ss   Fri Nov 21 01:00:00 2025 /sbin/launchd',
  ].join('\n');

  it('reads the table of ps', () => {
    const rows = darwin.parseTable(table);
    assert.equal(rows.length, 3);
    assert.deepEqual(rows[1], {
      pid: 77001, uid: 501, user: 'ada', state: 'T+', started: 'Sat Nov 1 13:06:09 2025', executable: '/Applications/My Node/bin/node-22',
    }); // prettier-ignore
  });

  it('reads arguments and NODE_OPTIONS', () => {
    const command = 'node --inspect app.js';
    assert.equal(darwin.parseArgs(`  501 ${command}\n 77001 x\n`).get(501), command);
    const whole = `${command} HOME=/Users/ada NODE_OPTIONS=--inspect-port=9300 --no-warnings LANG=C\n`;
    assert.equal(darwin.parseNodeOptions(whole, command), '--inspect-port=9300 --no-warnings');
    assert.equal(darwin.parseNodeOptions(`${command} HOME=/Users/ada\n`, command), null);
  });

  it('reads the working folder and sockets of lsof', () => {
    assert.equal(darwin.parseWorkingFolder('p501\nfcwd\nn/Users/ada/my app\n'), '/Users/ada/my app');
    assert.equal(darwin.parseWorkingFolder(''), null);
    const text =
      'p501\ncnode\nf20\ntIPv4\nn127.0.0.1:9229\nf21\ntIPv6\nn*:3000\np502\ncruby\nf7\ntIPv6\nn[::1]:9300\nf8\ntIPv4\nn*:80\n';
    assert.deepEqual(darwin.parseSockets(text).map((one) => `${one.pid} ${one.command} ${formatEndpoint(one)}`), [
      '501 node 127.0.0.1:9229', '501 node [::]:3000', '502 ruby [::1]:9300', '502 ruby 0.0.0.0:80',
    ]); // prettier-ignore
  });
});

// Written after the documentation of Win32_Process and ConvertTo-Json of PowerShell 5.1; not recorded on a Windows.
describe('what Windows tells', () => {
  const one = {
    pid: 4242, path: 'C:\\Program Files\\nodejs\\node.exe', command: '"C:\\Program Files\\nodejs\\node.exe" --inspect "my app.js"',
    name: 'node.exe', started: '2025-11-21T03:36:00.1234567Z', user: 'ada', ours: true,
  }; // prettier-ignore

  it('reads a list, a list of one and nothing', () => {
    const expected = {
      pid: 4242, args: ['C:\\Program Files\\nodejs\\node.exe', '--inspect', 'my app.js'], executable: one.path, user: 'ada',
      ours: true, startTime: one.started, cwd: null, nodeOptions: null,
    }; // prettier-ignore
    assert.deepEqual(windows.parseProcesses(JSON.stringify(one)), [expected]);
    assert.deepEqual(windows.parseProcesses(JSON.stringify([one, one])), [expected, expected]);
    assert.deepEqual(windows.parseProcesses(''), []);
  });

  it('reads a process of another user, of which little is shown', () => {
    const other = { ...one, path: null, command: null, user: null, ours: false };
    const [found] = windows.parseProcesses(JSON.stringify(other));
    assert.deepEqual(found?.args, ['node.exe']);
    assert.equal(found?.executable, null);
    assert.equal(found?.ours, false);
  });

  it('splits command lines as the system does', () => {
    const check = (line: string, expected: string[]) =>
      assert.deepEqual(windows.splitCommandLine(line), expected);
    check('a  b', ['a', 'b']);
    check('"a b" ""', ['a b', '']);
    check('a\\\\b c:\\d\\', ['a\\\\b', 'c:\\d\\']);
    check('a\\"b', ['a"b']);
    check('"a\\\\" b', ['a\\', 'b']);
  });

  it('reads sockets', () => {
    const text = '[{"host":"127.0.0.1","port":9229,"pid":7},{"host":"::","port":80,"pid":8}]';
    assert.deepEqual(windows.parseSockets(text).map((socket) => `${socket.pid} ${formatEndpoint(socket)}`), ['7 127.0.0.1:9229', '8 [::]:80']); // prettier-ignore
  });
});

describe('an endpoint', () => {
  it('is written and read', () => {
    for (const text of ['127.0.0.1:9229', '[::1]:80'])
      assert.equal(formatEndpoint(parseEndpoint(text)), text);
    assert.throws(() => parseEndpoint('9229'));
  });

  it('collides with the same and with any address, not with another family', () => {
    const wanted = { host: '127.0.0.1', port: 9229 };
    const check = (host: string, port: number, expected: boolean) =>
      assert.equal(collides({ host, port }, wanted), expected, host);
    check('127.0.0.1', 9229, true);
    check('0.0.0.0', 9229, true);
    check('::', 9229, true);
    check('::1', 9229, false);
    check('127.0.0.1', 9230, false);
  });
});
