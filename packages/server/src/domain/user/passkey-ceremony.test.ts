import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readUse } from './passkey-ceremony.ts'

function answerOf(id: unknown): string {
  return JSON.stringify({ id, response: { userHandle: null } })
}

/** WebAuthn §7.1: 1,023 bytes, in base64url. */
const longest = Buffer.alloc(1023, 0xff).toString('base64url')

describe('the answer of a browser that names a passkey', () => {
  it('is read where it names what can be one', () => {
    for (const id of ['A', 'AbC-_09', longest]) assert.equal(readUse(answerOf(id))?.passkeyId, id)
  })
  it('is nothing where no store could have kept what it names', () => {
    for (const id of ['', '\0', 'ab\0cd', 'a b', 'é', `${longest}A`, 7, null, ['A']]) {
      assert.equal(readUse(answerOf(id)), null, JSON.stringify(id))
    }
    for (const answer of ['', '{', 'null', '[]', '{}']) assert.equal(readUse(answer), null, answer)
  })
})
