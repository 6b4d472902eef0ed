import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { describe, it } from 'node:test'
import type { Client } from '../../domain/client/client.ts'
import { plainResource } from '../../domain/resource/resource.ts'
import { registerClient } from '../clients.ts'
import { bench } from '../fixture.test.ts'
import { checkedProfileNames, type CheckedProfileName, checkProfile } from './check.ts'
import type { Situation } from './clause.ts'

const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' })
const jwks = { keys: [jwk] }
const redirectUris = ['https://app.example/cb']
const bank = { id: 'bank', kind: 'web', redirectUris, jwks, profile: 'fapi2', scopes: ['openid'] }

const production: Situation = {
  issuer: 'https://as.example',
  settings: {
    development: false,
    codeSeconds: 60,
    sessionSeconds: 604_800,
    dpopNonces: false,
    requirePushedRequests: false,
    requireSignedRequests: false,
    registration: 'off',
    resources: 'registered',
    clientDocumentHosts: ['*'],
    statusLists: false,
    passwordChangeEnds: 'others',
    tlsCert: '/etc/pawl/cert.pem',
  },
  metadata: {
    token_endpoint_auth_methods_supported: ['none', 'private_key_jwt'],
    code_challenge_methods_supported: ['S256'],
    authorization_response_iss_parameter_supported: true,
    client_id_metadata_document_supported: true,
  },
  clients: [],
  resources: [plainResource('https://api.example', 0)],
}

async function withClients(...inputs: readonly object[]): Promise<Situation> {
  const { workbench } = await bench()
  const clients: Client[] = []
  for (const input of inputs) clients.push((await registerClient(workbench, input)).client)
  return { ...production, clients }
}

/** The clauses that fail, each with the client it fails for. */
function failures(name: CheckedProfileName, situation: Situation): readonly string[] {
  const { findings } = checkProfile(name, situation)
  return findings.flatMap(finding => {
    return finding.state === 'failed' ? [`${finding.clause} ${finding.client ?? ''}`.trim()] : []
  })
}

function settings(changes: Partial<Situation['settings']>): Situation {
  return { ...production, settings: { ...production.settings, ...changes } }
}

describe('a profile', () => {
  for (const name of checkedProfileNames) {
    it(`${name} is broken by nothing before there is a client, and says for each clause why`, () => {
      const { findings, problems } = checkProfile(name, production)
      assert.equal(problems, 0, JSON.stringify(failures(name, production)))
      assert.ok(findings.length >= 10)
      for (const { clause, demand, reason } of findings) assert.ok(clause !== '' && demand !== '' && reason !== '')
    })

    it(`${name} is broken on plain http`, () => {
      if (name === 'asvs5') return assert.deepEqual(failures(name, { ...production, issuer: 'http://localhost' }), [])
      assert.equal(failures(name, { ...production, issuer: 'http://localhost:7295' }).length, 1)
    })

    it(`${name} sees nothing of TLS that a proxy ends, and says so`, () => {
      const { findings } = checkProfile(name, settings({ tlsCert: null }))
      assert.ok(findings.some(({ state }) => state === 'unseen'))
    })

    it(`${name} has nothing against a client of the profile fapi2`, async () => {
      assert.deepEqual(failures(name, await withClients(bank)), [])
    })
  }
})

describe('the profile fapi2', () => {
  it('is broken by an ordinary client in as many ways as it has to change', async () => {
    const web = { id: 'web', kind: 'web', redirectUris: ['http://localhost/cb'], firstParty: true }
    assert.deepEqual(failures('fapi2', await withClients(bank, web)), [
      '5.3.2.1-4, -5 web',
      '5.3.2.1-6 web',
      '5.3.2.1-9 web',
      '5.3.2.2-3 web',
      '5.3.2.2-6 web',
      '5.3.2.2-8 web',
      '5.3.2.2-13 web',
      '5.4.1-1.2 web',
    ])
  })

  it('is broken by a public client, and by codes that wait too long', async () => {
    const phone = { id: 'phone', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] }
    const situation = { ...(await withClients(bank, phone)), settings: { ...production.settings, codeSeconds: 600 } }
    const found = failures('fapi2', situation)
    assert.ok(found.includes('5.3.2.1-3 phone') && found.includes('5.3.2.2-4 phone'))
    assert.ok(found.includes('5.3.2.1-11 phone') && !found.includes('5.3.2.1-11 bank'))
  })

  it('is broken by a certificate that nobody can show, and by a resource that is signed for with RS256', async () => {
    const { jwks: _, ...others } = bank
    const certificateName = { type: 'san_dns', value: 'bank.example' }
    const situation = await withClients({ ...others, certificateName })
    assert.deepEqual(failures('fapi2', situation), ['5.3.2.1-6 bank'])
    const methods = { token_endpoint_auth_methods_supported: ['tls_client_auth'] }
    assert.deepEqual(failures('fapi2', { ...situation, metadata: { ...production.metadata, ...methods } }), [])
    const resources = [{ ...plainResource('https://api.example', 0), signingAlgorithm: 'RS256' as const }]
    assert.deepEqual(failures('fapi2', { ...production, resources }), ['5.4.1-1.2'])
  })

  it('is broken by resources that anybody may name', () => {
    assert.deepEqual(failures('fapi2', settings({ resources: 'any' })), ['5.3.2.1-14'])
  })

  it('takes the server-wide word for what a client need not say', async () => {
    const web = { id: 'web', kind: 'web', redirectUris }
    const situation = await withClients(web)
    const pushing = { ...situation, settings: { ...production.settings, requirePushedRequests: true } }
    assert.ok(failures('fapi2', situation).includes('5.3.2.2-3 web'))
    assert.ok(!failures('fapi2', pushing).includes('5.3.2.2-3 web'))
  })
})

describe('the profile asvs5', () => {
  it('calls the families of a public client weak that has neither key nor retry keys, and asks for less scope', async () => {
    const phone = { id: 'phone', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] }
    assert.deepEqual(failures('asvs5', await withClients(phone)), [
      '10.4.5 phone',
      '10.4.11 phone',
      '10.4.12 phone',
      '10.4.13 phone',
      '10.4.14 phone',
      '10.4.16 phone',
    ])
    const strict = { ...phone, repeatSeconds: 0 }
    assert.ok(!failures('asvs5', await withClients(strict)).includes('10.4.5 phone'))
    assert.ok(!failures('asvs5', await withClients({ ...phone, dpopBoundAccessTokens: true })).includes('10.4.5 phone'))
  })

  it('is broken by a first party that asks nobody, by a nonce instead of PKCE, and by details that anybody may change', async () => {
    const shop = {
      id: 'shop',
      kind: 'web',
      redirectUris,
      firstParty: true,
      pkce: 'or_nonce',
      authorizationDetailsTypes: ['files'],
    }
    const found = failures('asvs5', await withClients(shop))
    for (const clause of ['10.7.1 shop', '10.4.6 shop', '10.4.15 shop']) assert.ok(found.includes(clause), clause)
    const signed = await withClients({ ...shop, requireSignedRequests: true, jwks, pkce: 'always', firstParty: false })
    for (const clause of ['10.7.1 shop', '10.4.6 shop', '10.4.12 shop', '10.4.15 shop']) {
      assert.ok(!failures('asvs5', signed).includes(clause), clause)
    }
  })

  it('is broken by settings that are too wide', () => {
    assert.deepEqual(failures('asvs5', settings({ passwordChangeEnds: 'none' })), ['7.4.3'])
    assert.deepEqual(failures('asvs5', settings({ resources: 'any' })), ['9.2.3, 9.2.4'])
  })
})

describe('the profile mcp', () => {
  it('is broken where no client gets in, and where no server can be named', () => {
    const { client_id_metadata_document_supported: _, ...metadata } = production.metadata
    assert.deepEqual(failures('mcp', { ...production, metadata }), ['Client Registration Approaches'])
    const registration = { registration_endpoint: 'https://as.example/register' }
    assert.deepEqual(failures('mcp', { ...production, metadata: { ...metadata, ...registration } }), [])
    assert.deepEqual(failures('mcp', { ...production, resources: [] }), ['Resource Parameter Implementation'])
    assert.deepEqual(failures('mcp', { ...settings({ resources: 'any' }), resources: [] }), [])
  })

  it('is broken by access tokens that live for an hour', async () => {
    const agent = { id: 'agent', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] }
    assert.deepEqual(failures('mcp', await withClients(agent)), [])
    assert.deepEqual(failures('mcp', await withClients({ ...agent, accessSeconds: 3600 })), ['Token Theft agent'])
  })
})

describe('the profile oauth2.1', () => {
  it('is broken by a nonce instead of PKCE and by families that may lie unused for ever', async () => {
    const shop = { id: 'shop', kind: 'web', redirectUris }
    assert.deepEqual(failures('oauth2.1', await withClients(shop)), [])
    const lax = { ...shop, pkce: 'or_nonce', idleSeconds: 86_400, absoluteSeconds: 86_400 }
    assert.deepEqual(failures('oauth2.1', await withClients(lax)), ['4.1.1 shop', '4.3.3 shop'])
  })
})
