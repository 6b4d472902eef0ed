import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isLoopbackIssuer, judgeIssuer } from './issuer.ts'

describe('an issuer', () => {
  for (const issuer of [
    'https://login.example.com',
    'https://login.example.com:8443',
    'http://localhost:7295',
    'http://localhost',
    'http://127.0.0.1:7295',
    'http://[::1]:7295',
    'https://localhost:7295',
  ]) {
    it(`may be ${issuer}`, () => {
      assert.equal(judgeIssuer(issuer), null)
    })
  }

  const refused: readonly (readonly [string, RegExp])[] = [
    ['login.example.com', /whole URL/],
    ['ftp://login.example.com', /https URL/],
    ['http://login.example.com', /loopback only: write https:\/\/login\.example\.com/],
    ['http://localhost.example.com', /loopback only/],
    ['http://127.0.0.2', /loopback only/],
    ['https://login.example.com/', /no trailing slash: write https:\/\/login\.example\.com$/],
    ['https://login.example.com/a', /path is not there yet/],
    ['https://login.example.com?', /no query/],
    ['https://login.example.com#', /no fragment/],
    ['https://a:b@login.example.com', /user name or password/],
    ['https://LOGIN.example.com', /write the issuer as https:\/\/login\.example\.com/],
    ['https://login.example.com:443', /without the default port/],
  ]
  for (const [issuer, sentence] of refused) {
    it(`may not be ${issuer}`, () => {
      assert.match(judgeIssuer(issuer) ?? '', sentence)
    })
  }

  it('is development on loopback and nowhere else', () => {
    assert.equal(isLoopbackIssuer('http://localhost:7295'), true)
    assert.equal(isLoopbackIssuer('http://[::1]:7295'), true)
    assert.equal(isLoopbackIssuer('https://localhost.example.com'), false)
    assert.equal(isLoopbackIssuer('https://login.example.com'), false)
  })
})
