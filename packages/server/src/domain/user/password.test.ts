import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { systemEntropy } from '../entropy.ts'
import {
  type Argon2Cost,
  argon2Cost,
  argon2Hasher,
  defaultHashing,
  hashingOn,
  passwordCharactersMax,
  passwordCharactersMin,
  passwordFault,
} from './password.ts'

/** Costs that no server would use, so that the many hashes of a test stay quick. */
const quick: Argon2Cost = { memoryKib: 8, passes: 1, lanes: 1 }
const entropy = systemEntropy()

function quickHasher(bounds: { runningMax: number; waitingMax: number }) {
  return argon2Hasher(entropy, { cost: quick, ...bounds })
}

async function hashed(password: string): Promise<string> {
  const result = await quickHasher({ runningMax: 2, waitingMax: 2 }).hash(password)
  assert.equal(result.kind, 'hashed')
  return result.kind === 'hashed' ? result.phc : ''
}

describe('passwordFault', () => {
  it('accepts both bounds and refuses one character beyond each', () => {
    assert.equal(passwordFault('p'.repeat(passwordCharactersMin)), null)
    assert.equal(passwordFault('p'.repeat(passwordCharactersMin - 1)), 'too_short')
    assert.equal(passwordFault('p'.repeat(passwordCharactersMax)), null)
    assert.equal(passwordFault('p'.repeat(passwordCharactersMax + 1)), 'too_long')
    assert.equal(passwordFault('p'.repeat(1_000_000)), 'too_long')
  })

  it('counts characters, not the units or marks they are written with', () => {
    assert.equal(passwordFault('🔑'.repeat(passwordCharactersMin - 1)), 'too_short')
    assert.equal(passwordFault('🔑'.repeat(passwordCharactersMax)), null)
    assert.equal(passwordFault('e\u0301'.repeat(passwordCharactersMin - 1)), 'too_short')
  })

  it('refuses controls and lone surrogates, which no keyboard sends twice the same', () => {
    assert.equal(passwordFault('pass\nword'), 'not_text')
    assert.equal(passwordFault('password\ud800'), 'not_text')
  })
})

describe('argon2Hasher', () => {
  it('writes a PHC string with the OWASP cost and a salt of its own', async () => {
    const hasher = argon2Hasher(entropy)
    const [one, other] = await Promise.all([hasher.hash('correct horse'), hasher.hash('correct horse')])
    assert.ok(one.kind === 'hashed' && other.kind === 'hashed')
    assert.match(one.phc, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    assert.notEqual(one.phc, other.phc)
    assert.ok(argon2Cost.memoryKib >= 19_456 && argon2Cost.passes >= 2)
  })

  it('verifies the reference vector of the reference implementation', async () => {
    // The reference implementation (phc-winner-argon2, src/test.c): t=2, m=2^16, p=1, "password", "somesalt".
    const phc = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    const hasher = argon2Hasher(entropy)
    assert.equal(await hasher.verify(phc, 'password'), 'right')
    assert.equal(await hasher.verify(phc, 'passwore'), 'wrong')
  })

  it('takes a password typed with other code points for the same letters and spaces', async () => {
    const phc = await hashed('caf\u00e9 au lait')
    const hasher = quickHasher({ runningMax: 1, waitingMax: 1 })
    assert.equal(await hasher.verify(phc, 'cafe\u0301\u00a0au\u3000lait'), 'right')
    assert.equal(await hasher.verify(phc, 'Caf\u00e9 au lait'), 'wrong')
  })

  it('answers wrong, not an error, whatever was typed', async () => {
    const phc = await hashed('correct horse')
    const hasher = quickHasher({ runningMax: 1, waitingMax: 1 })
    for (const typed of ['', '\0', 'p'.repeat(1_000_000), '\ud800', 'correct horse\0', 'correct hors']) {
      assert.equal(await hasher.verify(phc, typed), 'wrong')
    }
  })

  it('is never right for the dummy, which costs what a real hash costs', async () => {
    const hasher = argon2Hasher(entropy)
    const real = await hasher.hash('correct horse')
    assert.ok(real.kind === 'hashed')
    assert.equal(hasher.dummyPhc.length, real.phc.length)
    assert.equal(hasher.dummyPhc.split('$').slice(0, 4).join('$'), real.phc.split('$').slice(0, 4).join('$'))
    assert.equal(await hasher.verify(hasher.dummyPhc, ''), 'wrong')
  })

  it('rejects a broken row without repeating it', async () => {
    const hasher = quickHasher({ runningMax: 1, waitingMax: 1 })
    for (const broken of [
      '',
      'plain-text-secret',
      '$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA',
      '$2b$10$x',
    ]) {
      await assert.rejects(hasher.verify(broken, 'correct horse'), (error: Error) => {
        return broken === '' || !error.message.includes(broken)
      })
    }
  })

  it('DS-12 runs and queues so many and tells the next one that it is too busy, at once', async () => {
    const phc = await hashed('correct horse')
    const hasher = quickHasher({ runningMax: 2, waitingMax: 3 })
    const answers = await Promise.all(Array.from({ length: 8 }, () => hasher.verify(phc, 'correct horse')))
    assert.deepEqual(answers.filter(answer => answer === 'right').length, 5)
    assert.deepEqual(answers.slice(5), ['too_busy', 'too_busy', 'too_busy'])
    assert.deepEqual(await hasher.hash('correct horse').then(result => result.kind), 'hashed')
  })

  it('gives every place back, also after a failure', async () => {
    // Lanes without the memory that they need make the derivation itself fail.
    const broken = '$argon2id$v=19$m=8,t=1,p=9$c29tZXNhbHQ$c29tZXNhbHRzb21lc2FsdA'
    const hasher = quickHasher({ runningMax: 1, waitingMax: 0 })
    await assert.rejects(hasher.verify(broken, 'correct horse'))
    assert.equal(await hasher.verify(await hashed('correct horse'), 'correct horse'), 'right')
  })

  it('has bounds by default under which the queue clears within a few seconds', () => {
    const assumedMillisecondsPerHash = 150
    const { waitingMax, runningMax } = defaultHashing
    assert.ok((waitingMax / runningMax) * assumedMillisecondsPerHash < 5000)
  })

  it('DS-12 leaves a core to everything else where there is more than one', () => {
    assert.deepEqual(
      [1, 2, 3, 4, 64].map(cores => hashingOn(cores).runningMax),
      [1, 1, 2, 2, 2],
    )
  })
})
