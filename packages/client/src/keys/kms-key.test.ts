import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { custodyKeyFrom, type Place } from '../custody/custody-key.ts'
import { drawBytes } from '../custody/entropy.ts'
import type { HolderClock } from '../holder/clock.ts'
import { kmsCustodyKey } from './kms-key.ts'

const place: Place = { issuer: 'https://login.example.com', clientId: 'app', name: 'grant', version: 'v' }
const plain = { first: drawBytes(32), second: drawBytes(32) }
const never: HolderClock = { nowMs: () => 0, wait: (_ms, signal) => new Promise(over => aborted(signal, over)) }
const atOnce: HolderClock = { nowMs: () => 0, wait: async () => undefined }

describe('a custody key that a key management service unwraps', () => {
  it('is the unwrapped key, with the older ones', async () => {
    const unwrap = async (name: 'first' | 'second') => Uint8Array.from(plain[name])
    const key = await kmsCustodyKey({ wrapped: ['first', 'second'], unwrap, clock: never })
    const [first, second] = await Promise.all([custodyKeyFrom(plain.first), custodyKeyFrom(plain.second)])
    assert.equal(await first.open(await key.seal('fresh', place), place), 'fresh')
    assert.equal(await key.open(await second.seal('old', place), place), 'old')
  })

  it('leaves nothing of the plain key behind', async () => {
    const bytes = Uint8Array.from(plain.first)
    await kmsCustodyKey({ wrapped: ['first'], unwrap: async () => bytes, clock: never })
    assert.deepEqual(bytes, new Uint8Array(32))
  })

  it('is unreachable while the service refuses, and says so with its reason', async () => {
    const down = new Error('503 from the service')
    for (const unwrap of [
      () => Promise.reject(down),
      () => {
        throw down
      },
    ]) {
      await assert.rejects(kmsCustodyKey({ wrapped: ['first'], unwrap, clock: never }), {
        name: 'CustodyKeyUnavailable',
        reason: 'unreachable',
        message: /did not unwrap key 1\. Nothing is lost/,
        cause: down,
      })
    }
  })

  it('is unreachable when the time is over, and the service is told that nobody waits', async () => {
    const signals: AbortSignal[] = []
    const unwrap = (_wrapped: string, signal: AbortSignal) => {
      signals.push(signal)
      return new Promise<Uint8Array>(() => undefined)
    }
    await assert.rejects(kmsCustodyKey({ wrapped: ['first', 'second'], unwrap, seconds: 3, clock: atOnce }), {
      name: 'CustodyKeyUnavailable',
      reason: 'unreachable',
      message: /did not answer within 3 s/,
    })
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true],
    )
  })

  it('is refused when it is no key, and wiped, and not shown', async () => {
    for (const bytes of [new Uint8Array(32).fill(65), drawBytes(16), Buffer.from('a passphrase of many characters!')]) {
      const answered = Uint8Array.from(bytes)
      const making = kmsCustodyKey({ wrapped: ['first'], unwrap: async () => answered, clock: never })
      await assert.rejects(making, (error: Error) => {
        assert.match(error.message, /unwrapped as key 1 /)
        assert.doesNotMatch(inspect(error, { depth: 9 }), /AAAA|passphrase of|6565/)
        return true
      })
      assert.ok(answered.every(byte => byte === 0))
    }
  })
})

function aborted(signal: AbortSignal | undefined, over: () => void): void {
  signal?.addEventListener('abort', over)
}
