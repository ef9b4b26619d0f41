import assert from 'node:assert/strict';
import { chmod, chown, mkdir, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CODES, PROTOCOL_VERSION, type Descriptor } from '../../agent/protocol.ts';
import { descriptorPath, newToken, readDescriptor, sweepFolder } from '../../extension/target/descriptor.ts';
import { existingPrivateFolder, folderPath, pipePath, privateFolder } from '../../extension/target/folder.ts';
import { rejectsWith } from './codes.ts';
import { usePrivateFolder } from './program.ts';

describe('the private folder', () => {
  it('is made with mode 0700, parents and all, when HOTPATCH_DIR names it', async () => {
    await using base = await usePrivateFolder();
    process.env['HOTPATCH_DIR'] = join(base.path, 'a', 'b');
    assert.equal(await existingPrivateFolder(), null);
    assert.equal(await privateFolder(), join(base.path, 'a', 'b'));
    assert.equal((await stat(join(base.path, 'a', 'b'))).mode & 0o777, 0o700);
    assert.equal(await existingPrivateFolder(), join(base.path, 'a', 'b'));
  });

  it('is in a fixed place otherwise, whatever TMPDIR says', async () => {
    await using base = await usePrivateFolder();
    delete process.env['HOTPATCH_DIR'];
    const before = process.env['TMPDIR'];
    process.env['TMPDIR'] = base.path;
    assert.equal(folderPath(), `/tmp/hotpatch-${process.geteuid!()}`);
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  });

  const unsafe: Record<string, (path: string) => Promise<void>> = {
    'others may enter': (path) => mkdir(path).then(() => chmod(path, 0o750)),
    'a link': async (path) => {
      await mkdir(`${path}.real`, { mode: 0o700 });
      await symlink(`${path}.real`, path);
    },
    'a file': (path) => writeFile(path, ''),
    'a dangling link': (path) => symlink('/nowhere/at/all', path),
    "another user's": (path) => mkdir(path, { mode: 0o700 }).then(() => chown(path, 65534, 65534)),
  };
  for (const [what, make] of Object.entries(unsafe)) {
    it(`is refused when it is ${what}`, async function () {
      if (what === "another user's" && process.geteuid!() !== 0) this.skip();
      await using base = await usePrivateFolder();
      const path = join(base.path, 'x');
      await make(path);
      process.env['HOTPATCH_DIR'] = path;
      await rejectsWith(CODES.unsafeFolder, privateFolder());
      assert.equal(await existingPrivateFolder(), null);
    });
  }

  it('is refused when a socket in it would have too long a path', async () => {
    await using base = await usePrivateFolder();
    process.env['HOTPATCH_DIR'] = join(base.path, 'x'.repeat(80));
    await rejectsWith(CODES.unsafeFolder, privateFolder());
  });
});

describe('a descriptor', () => {
  const descriptor = (pid: number, folder: string): Descriptor => ({
    pid, startTime: 'then', pipe: pipePath(folder, pid), token: newToken(), version: '1', protocol: PROTOCOL_VERSION,
  }); // prettier-ignore
  const write = (folder: string, one: Descriptor, mode = 0o600) =>
    writeFile(descriptorPath(folder, one.pid), JSON.stringify(one), { mode });

  it('is read for the same process', async () => {
    await using folder = await usePrivateFolder();
    const one = descriptor(7, folder.path);
    await write(folder.path, one);
    assert.deepEqual(await readDescriptor(folder.path, 7, 'then'), one);
    assert.equal(await readDescriptor(folder.path, 8, 'then'), null);
    assert.match(one.token, /^[0-9a-f]{64}$/);
  });

  it('of an earlier process with this pid is removed, its pipe too', async () => {
    await using folder = await usePrivateFolder();
    const one = descriptor(7, folder.path);
    await write(folder.path, one);
    await writeFile(one.pipe, '');
    assert.equal(await readDescriptor(folder.path, 7, 'now'), null);
    assert.deepEqual(await readdir(folder.path), []);
  });

  it('names no other file to remove', async () => {
    await using folder = await usePrivateFolder();
    const precious = join(folder.path, '..', `${process.pid}-7-precious.sock`);
    await writeFile(precious, '');
    await write(folder.path, { ...descriptor(7, folder.path), pipe: precious });
    assert.equal(await readDescriptor(folder.path, 7, 'now'), null);
    await stat(precious);
    await rm(precious);
  });

  it('is not believed when others may write or read it, when it is a link or no descriptor', async () => {
    await using folder = await usePrivateFolder();
    await write(folder.path, descriptor(7, folder.path), 0o644);
    await write(folder.path, descriptor(8, folder.path));
    await symlink(descriptorPath(folder.path, 8), descriptorPath(folder.path, 9));
    await writeFile(descriptorPath(folder.path, 10), '{"pid":10', { mode: 0o600 });
    await writeFile(descriptorPath(folder.path, 11), '{"pid":11}', { mode: 0o600 });
    for (const pid of [7, 9, 10, 11]) assert.equal(await readDescriptor(folder.path, pid, 'then'), null);
  });

  it('is swept when its process is gone', async () => {
    await using folder = await usePrivateFolder();
    const gone = descriptor(4_194_304, folder.path);
    const here = descriptor(process.pid, folder.path);
    for (const one of [gone, here]) {
      await write(folder.path, one);
      await writeFile(one.pipe, '');
    }
    await sweepFolder(folder.path);
    assert.equal((await readdir(folder.path)).length, 2);
    assert.deepEqual(await readDescriptor(folder.path, process.pid, 'then'), here);
  });
});
