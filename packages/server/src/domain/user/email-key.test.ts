import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { emailBytesMax, emailKey } from './email-key.ts'

describe('emailKey', () => {
  it('gives one key to addresses that differ in case only', () => {
    assert.equal(emailKey('Ada.Lovelace@Example.COM'), 'ada.lovelace@example.com')
  })

  it('IJ-08 gives one key to full-width, mathematical and ligature look-alikes', () => {
    for (const twin of ['Ａｄａ@example.com', 'ada＠example．com', '𝐀𝐝𝐚@example.com', 'ada@ｅxample｡com']) {
      assert.equal(emailKey(twin), 'ada@example.com', twin)
    }
    assert.equal(emailKey('ofﬁce@example.com'), 'office@example.com')
  })

  it('IJ-08 gives one key to composed and decomposed letters', () => {
    assert.equal(emailKey('rene\u0301@example.com'), emailKey('ren\u00e9@example.com'))
  })

  it('IJ-08 gives one key to a domain in Unicode and in Punycode', () => {
    assert.equal(emailKey('ada@Bücher.example'), 'ada@xn--bcher-kva.example')
    assert.equal(emailKey('ada@xn--bcher-kva.example'), 'ada@xn--bcher-kva.example')
  })

  it('keeps apart what people can tell apart', () => {
    assert.notEqual(emailKey('ada+a@example.com'), emailKey('ada@example.com'))
    assert.notEqual(emailKey('a.da@example.com'), emailKey('ada@example.com'))
  })

  it('is its own key, so that a key can be looked up by itself', () => {
    for (const text of ['Ada@Example.com', 'İbrahim@example.com', '𝐀@bücher.example', 'ΟΔΟΣ@example.com']) {
      const key = emailKey(text)
      assert.ok(key !== null)
      assert.equal(emailKey(key), key, text)
    }
  })

  it('IJ-08 refuses controls, bidi controls, invisible characters, spaces and lone surrogates', () => {
    const hidden = [
      '\0',
      '\n',
      '\r',
      '\u007f',
      '\u202e',
      '\u2066',
      '\u200b',
      '\u200d',
      '\ufeff',
      '\u00ad',
      '\ufe0f',
      '\u3164',
    ]
    for (const character of [...hidden, ' ', '\u00a0', '\u2028', '\ud800', '\udc00', '\ue000']) {
      assert.equal(emailKey(`a${character}da@example.com`), null, JSON.stringify(character))
      assert.equal(emailKey(`ada@exa${character}mple.com`), null, JSON.stringify(character))
    }
  })

  it('refuses what is no address', () => {
    const wrong = [
      '',
      'ada',
      '@',
      'ada@',
      '@example.com',
      'a@b@c',
      'a＠b@c',
      '.ada@x',
      'ada.@x',
      'a..b@x',
      '"a"@x',
      'a,b@x',
    ]
    for (const text of [
      ...wrong,
      'a<b@x',
      'ada@a/b',
      'ada@a:80',
      'ada@a%41',
      'ada@[::1]',
      'ada@a..b',
      'ada@.a',
      'ada@a.',
    ]) {
      assert.equal(emailKey(text), null, text)
    }
  })

  it('accepts the longest address and refuses one byte more', () => {
    const domain = `${'d'.repeat(60)}.example`
    const longest = `${'a'.repeat(emailBytesMax - domain.length - 1)}@${domain}`
    assert.equal(longest.length, emailBytesMax)
    assert.equal(emailKey(longest), longest)
    assert.equal(emailKey(`a${longest}`), null)
  })

  it('counts bytes after folding, not characters before it', () => {
    assert.equal(emailKey(`${'é'.repeat(130)}@example.com`), null)
    assert.equal(emailKey(`${'\ufdfa'.repeat(80)}@example.com`), null)
  })

  it('refuses 1 MB of anything', () => {
    for (const unit of ['a', '@', '.', 'a@', '\u0301', '\ufdfa', '\ud800', ' ']) {
      assert.equal(emailKey(unit.repeat(1_000_000 / unit.length)), null, JSON.stringify(unit))
    }
  })
})
