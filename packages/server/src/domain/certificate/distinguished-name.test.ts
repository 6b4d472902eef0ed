import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSameName, parseDistinguishedName } from './distinguished-name.ts'

const parsed = (text: string) => parseDistinguishedName(text) ?? assert.fail(`not a name: ${text}`)

describe('a distinguished name', () => {
  it('is read from its end, as RFC 4514 writes it', () => {
    assert.deepEqual(parsed('CN=Shop,O=Example,C=GB'), [
      { type: 'C', value: 'GB' },
      { type: 'O', value: 'Example' },
      { type: 'CN', value: 'Shop' },
    ])
  })

  it('has its escapes taken off: of characters, and of bytes of UTF-8', () => {
    const names: readonly (readonly [string, string])[] = [
      [String.raw`CN=Shop\, Ltd.`, 'Shop, Ltd.'],
      [String.raw`CN=a\+b\"c\\d\;e\<f\>g\#h\=i`, 'a+b"c\\d;e<f>g#h=i'],
      [String.raw`CN=Lu\C4\8Di\C4\87`, 'Lučić'],
      ['CN=Lučić', 'Lučić'],
      ['CN=a=b', 'a=b'],
    ]
    for (const [text, value] of names) assert.deepEqual(parsed(text), [{ type: 'CN', value }], text)
  })

  it('is the same in any case, with any white space, and by either name of an attribute', () => {
    const same: readonly (readonly [string, string])[] = [
      ['CN=Shop One,C=GB', 'cn=SHOP  one, C=gb'],
      ['CN=Shop', '2.5.4.3=shop'],
      ['OU=a,DC=example', 'ou=A,0.9.2342.19200300.100.1.25=EXAMPLE'],
    ]
    for (const [one, other] of same) assert.ok(isSameName(parsed(one), parsed(other)), one)
    const different: readonly (readonly [string, string])[] = [
      ['CN=Shop', 'CN=Shop,C=GB'],
      ['CN=Shop,C=GB', 'C=GB,CN=Shop'],
      ['CN=Shop', 'OU=Shop'],
      ['CN=Shop One', 'CN=ShopOne'],
      [String.raw`CN=a\,O=b`, 'CN=a,O=b'],
    ]
    for (const [one, other] of different) assert.ok(!isSameName(parsed(one), parsed(other)), one)
  })

  it('is nothing else', () => {
    const wrong = [
      '',
      'Shop',
      '=Shop',
      'CN=',
      'CN= ',
      'CN=a,',
      ',CN=a',
      'CN=a+OU=b',
      'CN="a"',
      'CN=a;b',
      'CN=<a>',
      'CN=a\\',
    ]
    const more = [String.raw`CN=\zz`, String.raw`CN=\C4`, 'CN=a\0b', `CN=${'x'.repeat(2048)}`, '1=a', 'C N=a']
    for (const text of [...wrong, ...more]) assert.equal(parseDistinguishedName(text), null, JSON.stringify(text))
  })
})
