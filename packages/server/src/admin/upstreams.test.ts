import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openUpstreamSecret, upstreamsMax } from '../domain/upstream/upstream.ts'
import { bench } from './fixture.test.ts'
import { addUpstream, listUpstreams, removeUpstream, upstreamJson } from './upstreams.ts'

const acme = { id: 'acme', issuer: 'https://login.acme.example', clientId: 'pawl', clientSecret: 'hunter2-hunter2' }

describe('upstream providers', () => {
  it('are added with their secret sealed, and shown without it', async () => {
    const { workbench } = await bench()
    const upstream = await addUpstream(workbench, { ...acme, scopes: ['email'] })
    assert.deepEqual([upstream.name, upstream.scopes, upstream.createsUsers], ['acme', ['openid', 'email'], false])
    assert.ok(!JSON.stringify(upstream).includes('hunter2'))
    assert.equal(upstreamJson(upstream)['has_secret'], true)
    assert.ok(!JSON.stringify(upstreamJson(upstream)).includes(upstream.sealedSecret ?? 'none'))
    assert.equal(openUpstreamSecret(workbench.sealer, 'acme', upstream.sealedSecret ?? ''), acme.clientSecret)
    assert.equal(openUpstreamSecret(workbench.sealer, 'other', upstream.sealedSecret ?? ''), null)
    assert.deepEqual(await listUpstreams(workbench), [upstream])
    const [event] = await workbench.store.events.latest(1)
    assert.deepEqual([event?.kind, event?.detail['upstream']], ['upstream_added', 'acme'])
  })

  it('may know us as a public client', async () => {
    const { workbench } = await bench()
    assert.equal((await addUpstream(workbench, { ...acme, clientSecret: null })).sealedSecret, null)
  })

  const refused: readonly (readonly [string, object, RegExp])[] = [
    ['an issuer that is not on TLS', { issuer: 'http://login.acme.example' }, /--issuer is the https URL/],
    ['an issuer that is no URL', { issuer: 'acme' }, /--issuer is the https URL/],
    ['an issuer with a query', { issuer: 'https://acme.example/?a=b' }, /no query/],
    ['an issuer with a user name', { issuer: 'https://user@acme.example' }, /no query, fragment or user name/],
    ['an id that stands in no address', { id: 'Acme Inc' }, /id/],
    ['a scope that is none', { scopes: ['a b'] }, /scopes/],
    ['a field nobody knows', { colour: 'red' }, /colour/],
  ]
  for (const [what, changes, message] of refused) {
    it(`are refused with ${what}`, async () => {
      const { workbench } = await bench()
      await assert.rejects(addUpstream(workbench, { ...acme, ...changes }), { name: 'InputRefused', message })
      assert.deepEqual(await listUpstreams(workbench), [])
    })
  }

  it('are so many, each with a name of its own, and go by it', async () => {
    const { workbench } = await bench()
    await addUpstream(workbench, acme)
    await assert.rejects(addUpstream(workbench, acme), { name: 'AdminRefused', message: /already/ })
    for (let index = 1; index < upstreamsMax; index++) await addUpstream(workbench, { ...acme, id: `acme-${index}` })
    await assert.rejects(addUpstream(workbench, { ...acme, id: 'one-more' }), {
      name: 'AdminRefused',
      message: /remove one/,
    })
    await removeUpstream(workbench, 'acme')
    await assert.rejects(removeUpstream(workbench, 'acme'), { name: 'AdminRefused', message: /no upstream provider/ })
    assert.equal((await listUpstreams(workbench)).length, upstreamsMax - 1)
  })
})
