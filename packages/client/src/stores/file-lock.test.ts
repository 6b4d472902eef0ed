import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { giveBack, tryClaim } from './claim.ts'
import { newMark } from './claim-mark.ts'
import { lockWaitMsMax, underLock, unknownOwnerMsMax } from './file-lock.ts'
import { type ProcessOwner, thisProcess } from './process-owner.ts'

const me = thisProcess()
const stranger: ProcessOwner = { ...me, host: 'abcd' }
const dead: ProcessOwner = { ...me, boot: 'abcd' }

describe('the lock of a file', () => {
  it('is had for as long as the change takes, also when that throws', async test => {
    const { lock, path, root } = place(test)
    assert.equal(await underLock(lock, () => readdirSync(path)[0]), lock.mark)
    assert.deepEqual(readdirSync(root), [])
    await assert.rejects(
      underLock(lock, () => {
        throw new Error('on purpose')
      }),
      /on purpose/,
    )
    assert.deepEqual(readdirSync(root), [])
  })

  it('is taken from a dead process without a pause', async test => {
    const { lock, path, paused } = place(test)
    tryClaim(path, newMark(dead), () => false)
    assert.equal(await underLock(lock, () => 'changed'), 'changed')
    assert.equal(paused(), 0)
  })

  it('is never taken from a living process, which is named', async test => {
    const { lock, path, paused } = place(test)
    const mark = newMark(me)
    tryClaim(path, mark, () => false)
    await assert.rejects(
      underLock(lock, () => assert.fail('it had the lock')),
      new RegExp(`held by process ${process.pid} for 10 seconds`),
    )
    assert.ok(paused() >= lockWaitMsMax)
    assert.deepEqual(readdirSync(path), [mark])
  })

  it('is had as soon as a living process gives it back', async test => {
    const { lock, path, onPause } = place(test)
    const mark = newMark(me)
    tryClaim(path, mark, () => false)
    onPause(() => giveBack(path, mark))
    assert.equal(await underLock(lock, () => 'changed'), 'changed')
  })

  it('is taken from a stranger once it has not changed hands for five seconds of pauses', async test => {
    const { lock, path, paused } = place(test)
    tryClaim(path, newMark(stranger), () => false)
    assert.equal(await underLock(lock, () => 'changed'), 'changed')
    assert.ok(paused() >= unknownOwnerMsMax && paused() < unknownOwnerMsMax + 100, `${paused()} ms`)
  })

  it('is left to strangers who hand it on among themselves', async test => {
    const { lock, path, paused, onPause } = place(test)
    let mark = newMark(stranger)
    tryClaim(path, mark, () => false)
    onPause(() => {
      if (paused() % (unknownOwnerMsMax / 2) > 100) return
      giveBack(path, mark)
      mark = newMark(stranger)
      tryClaim(path, mark, () => false)
    })
    await assert.rejects(
      underLock(lock, () => assert.fail('it had the lock')),
      /let it go on, or end it/,
    )
  })

  it('says so before the change where it was taken over, and leaves it to who has it', async test => {
    const { lock, path } = place(test)
    const other = newMark(me)
    await assert.rejects(
      underLock(lock, check => {
        tryClaim(path, other, () => true)
        check()
      }),
      /taken over by another process; nothing was changed/,
    )
    assert.deepEqual(readdirSync(path), [other])
  })
})

/** A lock whose pauses take no time and are counted. */
function place(test: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'pawl-lock-'))
  test.after(() => rmSync(root, { recursive: true }))
  const path = join(root, 'a.lock')
  let pausedMs = 0
  let then = (): unknown => null
  const pause = async (pauseMs: number): Promise<void> => {
    pausedMs += pauseMs
    then()
  }
  const onPause = (act: () => unknown): void => {
    then = act
  }
  return { root, path, lock: { path, mark: newMark(me), me, pause }, paused: () => pausedMs, onPause }
}
