import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { newMark, readMark } from './claim-mark.ts'
import { type ProcessOwner, readOwner, standingOf, thisProcess, writeOwner } from './process-owner.ts'

const me = thisProcess()
/** As systems without /proc write it. */
const untold = { boot: '0', namespace: '0', started: '0' } as const

describe('the owner of a claim', () => {
  it('is read as it was written, and from nothing else', () => {
    assert.deepEqual(readOwner(writeOwner(me)), me)
    assert.deepEqual(readOwner(writeOwner({ ...me, ...untold })), { ...me, ...untold })
    for (const text of ['', 'a', `${writeOwner(me)}-1`, writeOwner(me).slice(1 + me.host.length), '../a-1-1-1-1']) {
      assert.equal(readOwner(text), null, text)
    }
  })

  it('is read from its mark, with the time of a lease', () => {
    const time = { takenAtMs: 1_800_000_000_000, untilMs: 1_800_000_060_000 }
    assert.deepEqual(readMark(newMark(me)), { owner: me, time: null })
    assert.deepEqual(readMark(newMark(me, time)), { owner: me, time })
    for (const text of ['', 'a_b', `${newMark(me)}_1`, `${newMark(me, time)}_1`, `${newMark(me)}_a_b`]) {
      assert.equal(readMark(text), null, text)
    }
  })

  it('is alive while its process is', async test => {
    const child = await startedChild(test)
    assert.equal(standingOf(me, me), 'alive')
    assert.equal(standingOf(child.owner, me), 'alive')
  })

  it('is dead as soon as its process was killed, also before anybody fetched it', async test => {
    const child = await startedChild(test)
    process.kill(child.owner.pid, 'SIGKILL')
    // The loop of events has not turned since, so nobody can have fetched it.
    while (standingOf(child.owner, me) === 'alive') assert.equal(child.hasExited(), false)
    await child.gone
    assert.equal(standingOf(child.owner, me), 'dead')
  })

  it('is dead where another process has its id, and after a new start of the machine', () => {
    assert.equal(standingOf({ ...me, started: '1' }, me), 'dead')
    assert.equal(standingOf({ ...me, boot: 'abcd' }, me), 'dead')
  })

  it('is unknown on another machine and in another container', () => {
    assert.equal(standingOf({ ...me, host: 'abcd', pid: 1 }, me), 'unknown')
    assert.equal(standingOf({ ...me, host: 'abcd', boot: 'abcd' }, me), 'unknown')
    assert.equal(standingOf({ ...me, namespace: '1' }, me), 'unknown')
  })

  it('is unknown where a system does not say when a process began, until its id is free', async test => {
    const child = await startedChild(test)
    const here: ProcessOwner = { ...me, ...untold }
    const there: ProcessOwner = { ...child.owner, ...untold }
    assert.equal(standingOf(here, here), 'alive')
    assert.equal(standingOf(there, here), 'unknown')
    process.kill(child.owner.pid, 'SIGKILL')
    await child.gone
    assert.equal(standingOf(there, here), 'dead')
  })
})

/** A process that says who it is, and lives until it is killed. */
async function startedChild(test: TestContext) {
  const source = `
    import { thisProcess, writeOwner } from ${JSON.stringify(import.meta.resolve('./process-owner.ts'))}
    process.stdout.write(writeOwner(thisProcess()))
    process.stdin.resume()`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  test.after(() => child.kill('SIGKILL'))
  const gone = once(child, 'close')
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const owner = readOwner(said.toString())
  assert.ok(owner !== null, 'the child did not say who it is')
  return { owner, gone, hasExited: () => child.exitCode !== null || child.signalCode !== null }
}
