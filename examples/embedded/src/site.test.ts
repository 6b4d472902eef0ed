import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import { ConfigRefused, embedPawl, registerClient } from 'pawl'
import { openSite } from './site.ts'

const masterKey = randomBytes(32).toString('base64url')
const info = { address: '192.0.2.1' }

describe('a program with Pawl in it', () => {
  it('answers its own pages and the protocol from one fetch function', async () => {
    const issuer = 'http://localhost:7297'
    const site = await openSite({ issuer, masterKey, databaseFile: ':memory:' })
    const hello = await site.fetch(new Request(`${issuer}/hello`), info)
    assert.equal(await hello.text(), 'hello from the host program\n')
    const metadata = await site.fetch(new Request(`${issuer}/.well-known/openid-configuration`), info)
    assert.equal(((await metadata.json()) as { issuer: string }).issuer, issuer)
    await site.close()
  })

  it('registers a client, and that client gets a token', async () => {
    const issuer = 'https://id.example'
    const pawl = await embedPawl({ issuer, masterKey, store: 'sqlite::memory:' })
    const { client, secret } = await registerClient(pawl.workbench('setup'), {
      id: 'job',
      kind: 'service',
      scopes: ['jobs'],
    })
    const authorization = `Basic ${Buffer.from(`${client.id}:${secret ?? ''}`).toString('base64')}`
    const body = new URLSearchParams({ grant_type: 'client_credentials' })
    const response = await pawl.fetch(
      new Request(`${issuer}/token`, { method: 'POST', headers: { authorization }, body }),
      info,
    )
    assert.equal(response.status, 200)
    const { scope } = (await response.json()) as { scope: string }
    assert.equal(scope, 'jobs')
    await pawl.close()
  })

  it('refuses what pawl serve refuses: plain http outside loopback, and a weak key', async () => {
    await assert.rejects(embedPawl({ issuer: 'http://id.example', masterKey, store: 'sqlite::memory:' }), ConfigRefused)
    const listening = { issuer: 'https://id.example', masterKey, store: 'sqlite::memory:', tlsCert: 'a', tlsKey: 'b' }
    await assert.rejects(embedPawl(listening), /has no listener/)
    const weak = Buffer.alloc(32, 1).toString('base64url')
    await assert.rejects(
      embedPawl({ issuer: 'https://id.example', masterKey: weak, store: 'sqlite::memory:' }),
      ConfigRefused,
    )
  })
})
