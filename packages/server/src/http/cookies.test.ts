import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import {
  cookieCharactersMax,
  cookiesMax,
  expiredHostCookie,
  type HostCookieName,
  hostCookie,
  parseCookies,
} from './cookies.ts'

describe('cookies of a request', () => {
  it('are read by name, without the space around them', () => {
    const cookies = parseCookies('__Host-a=1; b = 2 ;c=x=y')
    assert.equal(cookies.get('__Host-a'), '1')
    assert.equal(cookies.get('b'), '2')
    assert.equal(cookies.get('c'), 'x=y')
  })

  it('CK-06 count as absent when one name is sent twice', () => {
    const cookies = parseCookies('a=1; b=2; a=1')
    assert.equal(cookies.has('a'), false)
    assert.equal(cookies.get('b'), '2')
  })

  it('are none without a header, without an equals sign, and past the limits', () => {
    assert.equal(parseCookies(undefined).size, 0)
    assert.equal(parseCookies('').size, 0)
    assert.equal(parseCookies('a').size, 0)
    assert.equal(parseCookies(`a=${'x'.repeat(cookieCharactersMax - 2)}`).size, 1)
    assert.equal(parseCookies(`a=${'x'.repeat(cookieCharactersMax - 1)}`).size, 0)
    const many = (count: number): string => Array.from({ length: count }, (_, index) => `c${index}=x`).join(';')
    assert.equal(parseCookies(many(cookiesMax)).size, cookiesMax)
    assert.equal(parseCookies(many(cookiesMax + 1)).size, 0)
  })
})

describe('a cookie of ours', () => {
  it('CK-01 is of this host alone, over TLS, out of reach of scripts, and not sent across sites', () => {
    assert.equal(hostCookie('__Host-pawl', 'v', null), '__Host-pawl=v; Path=/; Secure; HttpOnly; SameSite=Lax')
    assert.equal(
      hostCookie('__Host-pawl', 'v', 60.9),
      '__Host-pawl=v; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=60',
    )
  })

  it('is forgotten with the same attributes', () => {
    assert.equal(expiredHostCookie('__Host-pawl'), '__Host-pawl=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0')
  })

  it('IJ-02 is never made of text that would need escaping', () => {
    for (const value of ['a;b', 'a\r\nb', 'a b', 'a,b', '"', 'é']) {
      assert.throws(() => hostCookie('__Host-pawl', value, null), RangeError)
    }
    assert.throws(() => hostCookie('__Host-a=b', 'v', null), RangeError)
    assert.throws(() => hostCookie('pawl' as HostCookieName, 'v', null), RangeError)
  })
})
