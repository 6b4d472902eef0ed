import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemEntropy } from '../../domain/entropy.ts'
import { argon2Hasher, type Hashing, tellingHasher } from '../../domain/user/password.ts'
import { borrowedHasher, hashFor, questionsOpenMax } from './borrowed-hasher.ts'
import type { FromWorker } from './messages.ts'

const quick: Hashing = { cost: { memoryKib: 8, passes: 1, lanes: 1 }, runningMax: 1, waitingMax: 1 }

/** A worker's hasher and the main thread's, without the threads between. */
function borrowing(hashing: Hashing) {
  const hashesFull = new SharedArrayBuffer(4)
  const full = new Int32Array(hashesFull)
  const faults: unknown[] = []
  const lent = tellingHasher(argon2Hasher(systemEntropy(), hashing), isFull => {
    full[0] = isFull ? 1 : 0
  })
  const tell = (message: FromWorker): void => {
    assert.ok(message.kind === 'asked')
    const { id, question } = message
    const answered = hashFor(lent, question, error => faults.push(error))
    answered.then(reply => hasher.onReply({ kind: 'replied', id, reply }), assert.fail)
  }
  const hasher = borrowedHasher({ dummyPhc: lent.dummyPhc, hashesFull, tell })
  return { hasher, faults }
}

describe('a borrowed hasher', () => {
  it('hashes and verifies as the one it asks', async () => {
    const { hasher } = borrowing(quick)
    const hashed = await hasher.hash('a good password')
    assert.ok(hashed.kind === 'hashed')
    assert.equal(await hasher.verify(hashed.phc, 'a good password'), 'right')
    assert.equal(await hasher.verify(hashed.phc, 'a wrong password'), 'wrong')
    assert.equal(await hasher.verify(hasher.dummyPhc, 'any password'), 'wrong')
  })

  it('knows without asking when there is no place left, and when there is again', async () => {
    const { hasher } = borrowing(quick)
    const first = hasher.hash('one')
    assert.equal(hasher.isFull(), false)
    const second = hasher.hash('two')
    assert.equal(hasher.isFull(), true)
    assert.deepEqual(await hasher.hash('three'), { kind: 'too_busy' })
    await Promise.all([first, second])
    assert.equal(hasher.isFull(), false)
  })

  it('has so many questions open and no more, though the main thread has no time to say that it is full', async () => {
    let asked = 0
    const tell = (): void => {
      asked += 1
    }
    const hasher = borrowedHasher({ dummyPhc: '', hashesFull: new SharedArrayBuffer(4), tell })
    const open = Array.from({ length: questionsOpenMax }, () => hasher.verify('', 'a password'))
    assert.equal(await hasher.verify('', 'a password'), 'too_busy')
    assert.deepEqual(await hasher.hash('a password'), { kind: 'too_busy' })
    assert.equal(asked, questionsOpenMax)
    for (let id = 0; id < questionsOpenMax; id++) hasher.onReply({ kind: 'replied', id, reply: 'wrong' })
    assert.deepEqual(new Set(await Promise.all(open)), new Set(['wrong']))
    hasher.verify('', 'a password').catch(assert.fail)
    assert.equal(asked, questionsOpenMax + 1)
  })

  it('fails where hashing fails, which is said to the main thread alone', async () => {
    const { hasher, faults } = borrowing(quick)
    await assert.rejects(hasher.verify('no hash', 'a password'), /could not hash/)
    assert.equal(faults.length, 1)
  })
})
