import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Entropy } from '../entropy.ts'
import { newUserCode, parseUserCode, shownUserCode } from './user-code.ts'

describe('a user code', () => {
  it('DV-02 has more than 34 bits, each letter as likely as the next', () => {
    const counts = new Map<string, number>()
    const everyByte = streamOf(Uint8Array.from({ length: 256 * 40 }, (_, at) => at % 256))
    const codes = Array.from({ length: 1200 }, () => newUserCode(everyByte))
    for (const letter of codes.join('')) counts.set(letter, (counts.get(letter) ?? 0) + 1)
    assert.equal(counts.size, 20)
    assert.deepEqual([...new Set(counts.values())], [480])
    assert.ok(Math.log2(counts.size ** (codes[0]?.length ?? 0)) > 34)
  })

  it('takes no byte that would favour a letter', () => {
    const code = newUserCode(
      streamOf(Uint8Array.from([240, 255, 250, 0, 1, 2, 3, 239, 19, 20, 21, 241, 242, 243, 5, 6])),
    )
    assert.equal(code, 'BCDFZZBC')
  })

  it('is read in any case and with anything between its letters', () => {
    for (const typed of ['WDJB-MJHT', 'wdjbmjht', ' wdjb mjht ', 'W.D.J.B_M/J/H/T', 'wdjb–mjht']) {
      assert.equal(parseUserCode(typed), 'WDJBMJHT', typed)
    }
  })

  it('is nothing else: another length, a vowel, a digit, a letter of another script', () => {
    const wrong = ['', 'WDJB-MJH', 'WDJB-MJHTT', 'WDJA-MJHT', 'WDJ0-MJHT', 'WDJB-MJHТХ', `WDJB${'-'.repeat(64)}MJHT`]
    for (const typed of [...wrong, 'W'.repeat(1_000_000)]) assert.equal(parseUserCode(typed), null, typed.slice(0, 20))
  })

  it('is shown in two groups', () => {
    const code = parseUserCode('wdjbmjht')
    assert.ok(code !== null)
    assert.equal(shownUserCode(code), 'WDJB-MJHT')
  })
})

function streamOf(bytes: Uint8Array): Entropy {
  let at = 0
  return {
    bytes: count => {
      const drawn = Uint8Array.from({ length: count }, (_, nth) => bytes[(at + nth) % bytes.length] ?? 0)
      at += count
      return drawn
    },
  }
}
