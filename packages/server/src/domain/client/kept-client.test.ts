import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readKeptClient, writeKeptClient } from './kept-client.ts'

/** Word for word what the program kept of a client before keys, documents, resources and devices. */
const firstDocument =
  '{"id":"shop","kind":"web","name":"shop","authMethod":"client_secret_basic","secretHashes":[{"hash":"AAAA","expiresAtMs":null}],' +
  '"redirectUris":["https://shop.example.com/cb"],"postLogoutRedirectUris":[],"grantTypes":["authorization_code","refresh_token"],' +
  '"scopes":["openid","offline_access"],"resources":[],"audiences":[],"pkce":"always","firstParty":false,"idTokenAlgorithm":"ES256",' +
  '"accessTokenSeconds":600,"idleSeconds":2592000,"absoluteSeconds":7776000,"repeatWindowSeconds":60,"reuseEnds":"grant",' +
  '"partner":null,"disabled":false,"createdAtMs":1795362711000}'

describe('a kept client', () => {
  it('of an earlier version is what it was, and nothing that came later is on', () => {
    const client = readKeptClient(firstDocument)
    const { id, secretHashes, idleSeconds, profile, exchange, requests, tokens, logout, source } = client
    assert.deepEqual([id, idleSeconds], ['shop', 2_592_000])
    assert.deepEqual(secretHashes, [{ hash: 'AAAA', expiresAtMs: null, sealed: null }])
    assert.deepEqual([profile, exchange, source], [null, 'none', null])
    assert.equal(requests.requirePushed, false)
    assert.equal(tokens.accessTokenFormat, 'jwt')
    assert.equal(logout.backChannelUri, null)
  })

  it('comes back as it was written', () => {
    const client = {
      ...readKeptClient(firstDocument),
      exchange: 'branching',
      jwksUri: 'https://shop.example.com/jwks',
    } as const
    assert.deepEqual(readKeptClient(writeKeptClient(client)), client)
  })
})
