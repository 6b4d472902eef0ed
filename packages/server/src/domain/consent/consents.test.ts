import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ClientId, Subject } from '@pawl/family'
import { openSqliteStore } from '../../store/sqlite/sqlite-store.ts'
import { clientOfKind } from '../../admin/client-input.ts'
import type { Client } from '../client/client.ts'
import { systemEntropy } from '../entropy.ts'
import { detailBytesMax } from '../event/event.ts'
import { operator } from '../event/new-event.ts'
import type { Consent } from './consent.ts'
import { type ConsentQuestion, needsConsent, rememberConsent } from './consents.ts'

const subject = 'ada' as Subject
const clientId = 'invoices' as ClientId
const confidential: Client = {
  ...clientOfKind(clientId, { id: clientId, kind: 'web' }, 0),
  redirectUris: ['https://invoices.example/cb'],
  resources: ['https://api.example/'],
}
const publicClient: Client = { ...confidential, kind: 'native', authMethod: 'none' }
const remembered: Consent = { subject, clientId: confidential.id, scopes: ['openid', 'offline_access'], givenAtMs: 0 }

/** A confidential client that asks for what this person allowed it before. */
const allowed: ConsentQuestion = {
  client: confidential,
  redirectUri: 'https://invoices.example/cb',
  subject,
  scopes: ['openid', 'offline_access'],
  resources: [],
  hasDetails: false,
  promptConsent: false,
  remembered,
}

describe('needsConsent', () => {
  it('does not ask again for what this person allowed this confidential client', () => {
    assert.equal(needsConsent(allowed), false)
    assert.equal(needsConsent({ ...allowed, scopes: ['openid'] }), false)
  })

  it('asks the first time, and for every scope that is new', () => {
    assert.equal(needsConsent({ ...allowed, remembered: null }), true)
    assert.equal(needsConsent({ ...allowed, scopes: ['openid', 'profile'] }), true)
  })

  it('CK-13 asks for offline_access where it was not given before', () => {
    assert.equal(needsConsent({ ...allowed, remembered: { ...remembered, scopes: ['openid'] } }), true)
  })

  it('always asks for prompt=consent, first-party or not', () => {
    assert.equal(needsConsent({ ...allowed, promptConsent: true }), true)
    const client = { ...confidential, firstParty: true }
    assert.equal(needsConsent({ ...allowed, client, promptConsent: true }), true)
  })

  it('asks each time for what is said in detail, unless the client is a certain first-party one', () => {
    assert.equal(needsConsent({ ...allowed, hasDetails: true }), true)
    const client = { ...confidential, firstParty: true }
    assert.equal(needsConsent({ ...allowed, client, hasDetails: true }), false)
  })

  it('CK-12 asks about a public client every time', () => {
    assert.equal(needsConsent({ ...allowed, client: publicClient }), true)
  })

  it('skips the question for a first-party client whose identity is certain', () => {
    const first = { ...allowed, remembered: null, client: { ...confidential, firstParty: true } }
    assert.equal(needsConsent(first), false)
    assert.equal(needsConsent({ ...first, redirectUri: 'http://127.0.0.1:8080/cb' }), false)
  })

  it('CK-12 asks about a first-party public client unless its redirect is https', () => {
    const first = { ...allowed, client: { ...publicClient, firstParty: true } }
    assert.equal(needsConsent(first), false)
    for (const redirectUri of ['http://127.0.0.1:8080/cb', 'com.example.app:/cb', 'https:evil', 'HTTPS://x/']) {
      assert.equal(needsConsent({ ...first, redirectUri }), true, redirectUri)
    }
  })

  it('asks for a resource that the operator did not register', () => {
    assert.equal(needsConsent({ ...allowed, resources: ['https://api.example/'] }), false)
    assert.equal(needsConsent({ ...allowed, resources: ['https://api.example/', 'https://other.example/'] }), true)
  })

  it("takes nobody else's consent for this person's", () => {
    assert.equal(needsConsent({ ...allowed, remembered: { ...remembered, subject: 'bob' as Subject } }), true)
    assert.equal(needsConsent({ ...allowed, remembered: { ...remembered, clientId: 'other' as ClientId } }), true)
  })
})

describe('rememberConsent', () => {
  it('adds to what was allowed before, with one event each time', async () => {
    const entropy = systemEntropy()
    const store = await openSqliteStore({ path: ':memory:', clock: { nowMs: () => 1_000_000 }, entropy })
    const means = { consents: store.consents, entropy }
    await rememberConsent(means, { ...remembered, scopes: ['openid'], givenAtMs: 1_000_000 }, operator)
    await rememberConsent(means, { ...remembered, scopes: ['profile'], givenAtMs: 1_000_001 }, operator)
    const kept = await store.consents.read(subject, confidential.id)
    assert.deepEqual([...(kept?.scopes ?? [])].sort(), ['openid', 'profile'])
    assert.deepEqual(
      (await store.events.latest(10)).map(event => event.kind),
      ['consent_given', 'consent_given'],
    )
  })

  it('keeps the event within its bound however many scopes there are', async () => {
    const entropy = systemEntropy()
    const store = await openSqliteStore({ path: ':memory:', clock: { nowMs: () => 1_000_000 }, entropy })
    const scopes = Array.from({ length: 100 }, (_, index) => `${'s'.repeat(80)}${index}`)
    await rememberConsent({ consents: store.consents, entropy }, { ...remembered, scopes }, operator)
    const [event] = await store.events.latest(1)
    assert.ok(event !== undefined && JSON.stringify(event.detail).length <= detailBytesMax)
  })
})
