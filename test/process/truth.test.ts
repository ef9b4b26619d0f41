import assert from 'node:assert/strict';
import { CODES } from '../../agent/protocol.ts';
import { Session } from '../../extension/session/session.ts';
import { agentSource } from '../support/attached.ts';
import { nodeOfMajor } from '../support/nodes.ts';
import { expectedOf, formatsOf, tellTruth, type Shape } from './truth.ts';
import { startHost, type Host } from './truthProgram.ts';
import { shapes } from './truthShapes.ts';

const everywhere = shapes.filter((shape) => shape.everywhere);

/** Consent means nothing where live edit is not known to crash: 20 and 22. */
const runs: readonly { major: number; allowLiveEdit: boolean; shapes: readonly Shape[] }[] = [
  { major: 20, allowLiveEdit: false, shapes: everywhere },
  { major: 22, allowLiveEdit: false, shapes },
  { major: 24, allowLiveEdit: false, shapes: everywhere },
  { major: 24, allowLiveEdit: true, shapes },
  { major: 26, allowLiveEdit: false, shapes: everywhere },
  { major: 26, allowLiveEdit: true, shapes: everywhere },
];

/** A live edit looks at every script of the process, and a real one is no museum of small programs. */
const PROGRAMS_PER_HOST = 40;

for (const { major, allowLiveEdit, shapes: chosen } of runs) {
  const consent = major < 24 ? '' : allowLiveEdit ? ', live edit allowed' : ', live edit not allowed';
  describe(`what is applied is applied: Node ${major}${consent}`, () => {
    const cases = chosen.flatMap((shape) => formatsOf(shape).map((format) => ({ shape, format })));
    let host: Host | null = null;
    let session: Session | null = null;
    const close = async () => {
      session?.close();
      await host?.[Symbol.asyncDispose]();
    };
    after(close);
    cases.forEach(({ shape, format }, id) => {
      it(`${shape.name} (${format})`, async () => {
        if (id % PROGRAMS_PER_HOST === 0 || !host || !session) {
          await close();
          host = await startHost(nodeOfMajor(major));
          session = await Session.attach(host.pid, { agentSource: agentSource() });
        }
        try {
          const { came, reports } = await tellTruth(host, session, shape, { format, id, allowLiveEdit });
          const expected = expectedOf(shape, format);
          const needsConsent = [CODES.functionActive, 'live-edit'].includes(expected);
          const blocked = major >= 24 && !allowLiveEdit && needsConsent;
          assert.equal(
            came,
            blocked ? CODES.liveEditConsent : expected,
            reports.map((r) => r.reason).join('\n'),
          );
        } finally {
          await session.unload('all');
        }
      });
    });
  });
}
