import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { documentUrlCharactersMax, hostOfDocument, isDocumentUrl } from './document-url.ts'

describe('a client id that is the URL of a document', () => {
  it('is https, with a path', () => {
    const good = [
      'https://app.example/client.json',
      'https://app.example/',
      'https://app.example:8443/oauth/client',
      'https://xn--bcher-kva.example/c%C3%A9/~x',
      'https://app.example/client?version=2',
      'https://[2606:4700::1]/client',
      'http://localhost:3000/client.json',
      'http://127.0.0.1/client',
      'http://[::1]:80000/client',
    ]
    for (const url of good.slice(0, -1)) assert.equal(isDocumentUrl(url), true, url)
    assert.equal(isDocumentUrl(good.at(-1) ?? ''), false, 'a port that is none')
  })

  it('has one spelling', () => {
    const other = [
      'https://app.example',
      'https://APP.example/client',
      'HTTPS://app.example/client',
      'https://app.example:443/client',
      'https://app.example:/client',
      'https://app.example/a/../client',
      'https://app.example/./client',
      'https://app.example/%2e%2e/client',
      'https://127.1/client',
      'https://bücher.example/client',
      'https://[2606:4700:0::1]/client',
      'https:/app.example/client',
      'https:///app.example/client',
    ]
    for (const url of other) assert.equal(isDocumentUrl(url), false, url)
  })

  it('has no fragment, no user information, no other scheme and no odd character', () => {
    const bad = [
      'https://app.example/client#',
      'https://app.example/client#x',
      'https://user@app.example/client',
      'https://@app.example/client',
      'http://app.example/client',
      'http://localhost.example/client',
      'http://127.0.0.2/client',
      'ftp://app.example/client',
      'javascript:alert(1)',
      'data:application/json,{}',
      'app.example/client',
      'https://app.example/cli ent',
      'https://app.example/"',
      "https://app.example/'",
      'https://app.example/<x>',
      'https://app.example/\\x',
      'https://app.example/%zz',
      'https://app.example/\n',
      '',
    ]
    for (const url of bad) assert.equal(isDocumentUrl(url), false, JSON.stringify(url))
  })

  it('has a length', () => {
    const base = 'https://app.example/'
    const longest = base + 'x'.repeat(documentUrlCharactersMax - base.length)
    assert.equal(isDocumentUrl(longest), true)
    assert.equal(isDocumentUrl(`${longest}x`), false)
  })

  it('tells its host with the port', () => {
    assert.equal(hostOfDocument('https://app.example:8443/client'), 'app.example:8443')
  })
})
