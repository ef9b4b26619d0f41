import assert from 'node:assert/strict';
import { logLine, stackFrames } from '../../extension/vscode/logLine.ts';

describe('a line of the log', () => {
  it('is the action and the facts', () => {
    assert.equal(
      logLine('Patched', { pid: 42, patch: 'abc', functions: ['a', 'b'], ms: 3, line: undefined }),
      'Patched pid=42 patch=abc functions=a,b ms=3',
    );
  });

  it('has no tokens, commands, environment or code in it, whatever it is given', () => {
    const secrets = {
      token: 's',
      command: 'node --key=s',
      env: 's',
      message: 'let s',
      reason: 's',
      text: 's',
    };
    assert.equal(logLine('Stopped', { code: 'HP9002', ...secrets }), 'Stopped code=HP9002');
  });

  it('has the frames of an error but not its message', () => {
    const error = new Error('const secret = 1;\n    return secret;');
    const frames = stackFrames(error);
    assert.ok(frames.length > 0);
    assert.ok(frames.every((line) => /^\s+at /.test(line)));
    assert.ok(!frames.join('\n').includes('secret'));
    assert.deepEqual(stackFrames('no error'), []);
  });
});
