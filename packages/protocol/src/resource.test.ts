import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isResourceIndicator, resourceCharactersMax } from './resource.ts'

describe('resource indicators', () => {
  it('are absolute URIs', () => {
    const good = [
      'https://api.example',
      'https://api.example/v1?x=1',
      'http://localhost:8080/',
      'http://127.0.0.1/',
      'http://[::1]/',
      'urn:example:api',
    ]
    for (const uri of good) assert.equal(isResourceIndicator(uri), true, uri)
  })

  it('have no fragment, no user information, no plain http away from loopback, and one spelling', () => {
    const bad = [
      '',
      'api',
      '/v1',
      'https://',
      'https://api.example/#',
      'https://api.example/#x',
      'https://user@api.example/',
      'http://api.example/',
      'http://127.0.0.2/',
      'https://api.example/ v1',
      'https://api.example/\n',
      'https://bücher.example/',
    ]
    for (const uri of bad) assert.equal(isResourceIndicator(uri), false, JSON.stringify(uri))
  })

  it('have a limit', () => {
    const base = 'https://api.example/'
    const longest = base + 'x'.repeat(resourceCharactersMax - base.length)
    assert.equal(isResourceIndicator(longest), true)
    assert.equal(isResourceIndicator(`${longest}x`), false)
  })
})
