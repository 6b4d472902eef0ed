/** Authorization details (RFC 9396): what was described is asked for, what was read is granted, and it only shrinks. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { changeClient } from '../../packages/server/src/admin/clients.ts'
import { putDetailsType, removeDetailsType } from '../../packages/server/src/admin/details-types.ts'
import { type App, agree } from '../stage/app.ts'
import { fieldsOf, newClientKey, pathTo, push, requestObject } from '../stage/requests.ts'
import { openStage, type Stage } from '../stage/stage.ts'

const bank = 'https://bank.example/payments'
const vault = 'https://vault.example/'
const payment = {
  type: 'payment',
  locations: [bank],
  amount: { value: '123.50', currency: 'EUR' },
  creditor: 'Merchant A',
  reference: 'Invoice 4711',
}
const account = { type: 'account', actions: ['list', 'read', 'balance'] }

describe('authorization details', () => {
  it('RT-18 beyond the grant, or of a type nobody knows, are refused and change nothing', async () => {
    const { stage, app } = await opened()
    const tokens = await signIn(stage, app, [payment, account])
    const beyond = [
      [{ ...payment, amount: { value: '123.51', currency: 'EUR' } }],
      [{ ...payment, amount: { value: '1', currency: 'EUR' } }],
      [{ ...payment, creditor: 'Merchant B' }],
      [without(payment, 'reference')],
      [without(payment, 'locations')],
      [{ ...payment, locations: [] }],
      [{ ...payment, locations: [bank, vault] }],
      [{ ...account, actions: ['list', 'transfer'] }],
      [{ ...account, actions: [] }],
      [{ ...account, actions: 'list' }],
      [{ type: 'account' }],
      [{ ...account, more: true }],
      [payment, payment],
      [payment, account, { ...account, actions: ['read'] }],
      [payment, { type: 'unknown' }],
      [{ type: 'payment' }],
      [],
      {},
      'x',
      [null],
      [[payment]],
    ]
    for (const wanted of beyond) {
      const refused = await app.refresh(tokens.refreshToken, { authorization_details: JSON.stringify(wanted) })
      assert.deepEqual(
        [refused.status, refused.body['error']],
        [400, 'invalid_authorization_details'],
        JSON.stringify(wanted),
      )
    }
    const malformed = await app.refresh(tokens.refreshToken, { authorization_details: '[{' })
    assert.equal(malformed.body['error'], 'invalid_authorization_details')
    const next = await app.refresh(tokens.refreshToken)
    assert.equal(next.status, 200)
    assert.deepEqual(next.body['authorization_details'], [payment, account])
    await stage.close()
  })

  it('RT-18 shrink for one answer and are whole again in the next', async () => {
    const { stage, app } = await opened()
    const tokens = await signIn(stage, app, [payment, account])
    const less = [{ ...account, actions: ['read'] }]
    const narrow = await app.refresh(tokens.refreshToken, { authorization_details: JSON.stringify(less) })
    assert.deepEqual(narrow.body['authorization_details'], less)
    assert.deepEqual(decodeJwt(narrow.accessToken)['authorization_details'], less)
    assert.deepEqual((await app.introspect(narrow.accessToken))['authorization_details'], less)
    const whole = await app.refresh(narrow.refreshToken)
    assert.deepEqual(whole.body['authorization_details'], [payment, account])
    await stage.close()
  })

  it('RT-18 may shrink when the code is redeemed, which does not use them up', async () => {
    const { stage, app } = await opened()
    const { path, verifier } = app.authorizePath(asking([payment, account]))
    const browser = stage.browser()
    const left = await agree(browser, await browser.open(path))
    const authorization = { code: left.searchParams.get('code') ?? '', verifier, parameters: left.searchParams }
    const beyond = await app.redeem(authorization, { authorization_details: JSON.stringify([{ type: 'account' }]) })
    assert.deepEqual([beyond.status, beyond.body['error']], [400, 'invalid_authorization_details'])
    const first = await app.redeem(authorization, { authorization_details: JSON.stringify([payment]) })
    assert.deepEqual(first.body['authorization_details'], [payment])
    assert.deepEqual((await app.refresh(first.refreshToken)).body['authorization_details'], [payment, account])
    await stage.close()
  })

  it('RT-18 are for the resource they name, and are not shown to another', async () => {
    const { stage, app } = await opened({ resources: [bank, vault] })
    const browser = stage.browser()
    const { path, verifier } = app.authorizePath(asking([payment, account]))
    const left = await agree(browser, await browser.open(`${path}&${resources(bank, vault)}`))
    const parameters = left.searchParams
    const first = await app.redeem({ code: parameters.get('code') ?? '', verifier, parameters }, { resource: vault })
    assert.deepEqual(first.body['authorization_details'], [account])
    const next = await app.refresh(first.refreshToken, { resource: bank })
    assert.deepEqual(next.body['authorization_details'], [payment, account])
    await stage.close()
  })

  it('RT-18 of a type that the client has lost are told no more, and come back with it', async () => {
    const { stage, app } = await opened()
    const tokens = await signIn(stage, app, [payment, account])
    await changeClient(stage.workbench, 'shop', { authorizationDetailsTypes: ['account'] })
    const fewer = await app.refresh(tokens.refreshToken)
    assert.deepEqual(fewer.body['authorization_details'], [account])
    const wanted = { authorization_details: JSON.stringify([payment]) }
    assert.equal((await app.refresh(fewer.refreshToken, wanted)).body['error'], 'invalid_authorization_details')
    await changeClient(stage.workbench, 'shop', { authorizationDetailsTypes: ['account', 'payment'] })
    assert.deepEqual((await app.refresh(fewer.refreshToken)).body['authorization_details'], [payment, account])
    await stage.close()
  })

  it('RT-18 are asked of a grant that has none in vain, and stay out of its tokens', async () => {
    const { stage, app } = await opened()
    const tokens = await app.signIn(stage.browser())
    const wanted = { authorization_details: JSON.stringify([account]) }
    assert.equal((await app.refresh(tokens.refreshToken, wanted)).body['error'], 'invalid_authorization_details')
    const next = await app.refresh(tokens.refreshToken)
    assert.equal('authorization_details' in next.body, false)
    assert.equal('authorization_details' in decodeJwt(next.accessToken), false)
    await stage.close()
  })

  it('IJ-09 are checked against their schema before anybody is asked', async () => {
    const { stage, app } = await opened()
    const wrong: readonly unknown[] = [
      [{ ...payment, amount: { value: 123.5, currency: 'EUR' } }],
      [{ ...payment, amount: { value: '1', currency: 'USD' } }],
      [{ ...payment, amount: null }],
      [{ ...payment, amount: ['1', 'EUR'] }],
      [without(payment, 'creditor')],
      [{ ...payment, creditor: 'x'.repeat(71) }],
      [{ ...payment, creditor: 'a\u0000b' }],
      [{ ...payment, creditor: 'a\u001bb' }],
      [{ ...payment, creditor: '\ud800' }],
      [{ ...payment, toString: 'x' }],
      [{ ...payment, constructor: {} }],
      [{ ...payment, locations: [vault] }],
      [{ ...payment, locations: [1] }],
      [{ ...account, actions: [] }],
      [{ ...account, actions: Array.from({ length: 65 }, () => 'read') }],
      [{ ...account, actions: ['delete'] }],
      [{ ...account, type: 'nobody' }],
      [{ ...account, type: 1 }],
      Array.from({ length: 17 }, () => account),
      [],
      null,
      7,
    ]
    const texts = wrong.map(each => JSON.stringify(each))
    const raw = [
      '[{"type":"account","actions":["read"],"__proto__":{"x":1}}]',
      '[{"type":"account","actions":[read]}]',
      '[function(){}]',
    ]
    for (const text of [...texts, ...raw]) {
      const { leftTo } = await stage.browser().open(app.authorizePath({ authorization_details: text }).path)
      assert.equal(leftTo?.searchParams.get('error'), 'invalid_authorization_details', text.slice(0, 200))
      const pushed = await app.post('/par', fieldsOf(app, { authorization_details: text }).fields)
      assert.equal(pushed.status, 400)
    }
    assert.equal((await stage.pawl.store.families.list({}, 1)).length, 0)
    await stage.close()
  })

  it('IJ-09 are read in words by the person, each value as what the application sent and never as our words', async () => {
    const { stage, app } = await opened()
    const evil = { ...payment, creditor: '</strong><script>alert(1)</script>', reference: '\u202eevil' }
    const browser = stage.browser()
    const page = await browser.signIn(await browser.open(app.authorizePath(asking([evil, account])).path))
    assert.equal(page.body.includes('<script>alert'), false)
    const [words = ''] = /<ul class="permissions">[\s\S]*?<\/ul>/.exec(page.body) ?? []
    assert.match(
      words,
      /Pay <strong><bdi>123\.50<\/bdi><\/strong> <strong><bdi>EUR<\/bdi><\/strong> to <strong><bdi>&lt;\/strong&gt;/,
    )
    assert.match(words, /<dt>Your reference<\/dt><dd><bdi>\u202eevil<\/bdi><\/dd>/)
    assert.match(words, /<dt>Where<\/dt><dd><bdi>https:\/\/bank\.example\/payments<\/bdi><\/dd>/)
    assert.match(
      words,
      /Look at your accounts<dl class="details"><dt>actions<\/dt><dd><bdi>list, read, balance<\/bdi><\/dd>/,
    )
    await stage.close()
  })

  it('IJ-09 are asked about every time, and by a push and a signed request too', async () => {
    const { privateKey, jwks } = newClientKey()
    const { stage, app } = await opened({ jwks })
    const browser = stage.browser()
    const fields = asking([account])
    await agree(browser, await browser.open(app.authorizePath(fields).path))
    const again = await browser.open(app.authorizePath(fields).path)
    assert.match(again.body, /name="decision" value="allow"/)
    const silent = await browser.open(app.authorizePath({ ...fields, prompt: 'none' }).path)
    assert.equal(silent.leftTo?.searchParams.get('error'), 'consent_required')
    const pushed = await push(app, fields)
    const left = await agree(browser, await browser.open(pushed.path))
    assert.ok(left.searchParams.has('code'))
    const object = requestObject(stage, fieldsOf(app).fields, privateKey, {
      claims: { authorization_details: [account] },
    })
    const signed = await app.post('/par', { request: object })
    const { request_uri } = (await signed.json()) as { readonly request_uri: string }
    assert.match((await browser.open(pathTo('shop', request_uri))).body, /Look at your accounts/)
    await stage.close()
  })

  it('IJ-09 without a scope grant nothing besides', async () => {
    const { stage, app } = await opened()
    const tokens = await signIn(stage, app, [account], { scope: undefined })
    assert.deepEqual([tokens.body['scope'], tokens.body['authorization_details']], ['', [account]])
    assert.equal('id_token' in tokens.body, false)
    await stage.close()
  })

  it('IJ-09 are no more than a client is registered for, and no type that was removed', async () => {
    const { stage, app } = await opened({ authorizationDetailsTypes: ['account'] })
    const errorOf = async (details: object) =>
      (await stage.browser().open(app.authorizePath(asking([details])).path)).leftTo?.searchParams.get('error') ?? null
    assert.equal(await errorOf(payment), 'invalid_authorization_details')
    assert.equal(await errorOf(account), null)
    await removeDetailsType(stage.workbench, 'account')
    assert.equal(await errorOf(account), 'invalid_authorization_details')
    await stage.close()
  })

  it('IJ-09 may be asked for by a client in its own name', async () => {
    const { stage } = await opened()
    const robot = { id: 'robot', kind: 'service', scopes: ['read'], authorizationDetailsTypes: ['account'] }
    const app = stage.app(await stage.addClient(robot))
    const ask = (details: unknown) =>
      app.post('/token', { grant_type: 'client_credentials', authorization_details: JSON.stringify(details) })
    const answer = (await (await ask([account])).json()) as { readonly [name: string]: unknown }
    assert.deepEqual(answer['authorization_details'], [account])
    const told = await app.introspect(String(answer['access_token']))
    assert.deepEqual(told['authorization_details'], [account])
    for (const wrong of [[payment], [{ type: 'account', actions: ['x'] }], {}])
      assert.equal((await ask(wrong)).status, 400)
    await stage.close()
  })

  it('IJ-09 are in the metadata by type, while there are any', async () => {
    const bare = await openStage()
    const types = async (stage: Stage) =>
      ((await (await stage.send('/.well-known/openid-configuration')).json()) as { readonly [name: string]: unknown })[
        'authorization_details_types_supported'
      ]
    assert.equal(await types(bare), undefined)
    await bare.close()
    const { stage } = await opened()
    assert.deepEqual(await types(stage), ['account', 'payment'])
    await removeDetailsType(stage.workbench, 'payment')
    assert.deepEqual(await types(stage), ['account'])
    await stage.close()
  })
})

async function opened(client: object = {}) {
  const stage = await openStage()
  await stage.addUser()
  await putDetailsType(stage.workbench, paymentType)
  await putDetailsType(stage.workbench, accountType)
  const types = { authorizationDetailsTypes: ['payment', 'account'] }
  const shop = { id: 'shop', kind: 'web', redirectUris: ['https://a.example/cb'], ...types, ...client }
  return { stage, app: stage.app(await stage.addClient(shop)) }
}

const text = { type: 'string' }
const paymentType = {
  type: 'payment',
  sentence: 'Pay {amount.value} {amount.currency} to {creditor}',
  resources: [bank],
  schema: {
    type: 'object',
    required: ['amount', 'creditor'],
    properties: {
      locations: { type: 'array', title: 'Where', items: text },
      creditor: { type: 'string', maxLength: 70 },
      reference: { type: 'string', title: 'Your reference' },
      amount: {
        type: 'object',
        required: ['value', 'currency'],
        properties: { value: { type: 'string', maxLength: 18 }, currency: { type: 'string', enum: ['EUR', 'GBP'] } },
      },
    },
  },
}
const accountType = {
  type: 'account',
  sentence: 'Look at your accounts',
  schema: {
    type: 'object',
    required: ['actions'],
    properties: {
      actions: { type: 'array', minItems: 1, items: { type: 'string', enum: ['list', 'read', 'balance'] } },
    },
  },
}

function asking(details: readonly object[]) {
  return { authorization_details: JSON.stringify(details) }
}

async function signIn(stage: Stage, app: App, details: readonly object[], fields: { readonly scope?: undefined } = {}) {
  return app.signIn(stage.browser(), { ...asking(details), ...fields })
}

function without(detail: { readonly [name: string]: unknown }, name: string) {
  return Object.fromEntries(Object.entries(detail).filter(([each]) => each !== name))
}

function resources(...names: readonly string[]): string {
  return names.map(name => `resource=${encodeURIComponent(name)}`).join('&')
}
