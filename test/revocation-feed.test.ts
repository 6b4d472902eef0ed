/** The revocation feed: an API that follows it refuses what introspection calls inactive, whatever ended it, and nothing else. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { decodeJwt } from 'jose'
import { changeClient, type ClientWithSecret, removeClient } from '../packages/server/src/admin/clients.ts'
import { carryOut, planRevocation, type RevocationInput } from '../packages/server/src/admin/revoke.ts'
import { disableUser, resetPassword } from '../packages/server/src/admin/users.ts'
import { type MasterKeys, masterKeys, newMasterKey } from '../packages/server/src/domain/keys/master-keys.ts'
import { lookEveryMs } from '../packages/server/src/domain/revocation/watched-line.ts'
import { isoInstant } from '../packages/server/src/domain/time.ts'
import { revocationsSoFar } from '../packages/server/src/store/sql/revocations-so-far.ts'
import { openAccount, press } from './stage/account.ts'
import type { Tokens } from './stage/app.ts'
import { type Browser, stagePassword } from './stage/browser.ts'
import { branched, handOn } from './stage/exchange.ts'
import { type FeedReader, feedReader } from './stage/feed-reader.ts'
import { databaseFor, familyIdOf, openScene, rowOf, type Scene, type SceneOptions } from './stage/scene.ts'
import { openStage, type StageOptions } from './stage/stage.ts'

const orders = 'https://orders.example/'
const stock = 'https://stock.example/'
const shop = { id: 'shop', kind: 'web', redirectUris: ['https://shop.example/cb'], exchange: 'branching' }
const other = { id: 'other', kind: 'web', redirectUris: ['https://other.example/cb'] }
const ordersApi = { id: 'orders', kind: 'service', audiences: [orders], resources: [stock], exchange: 'delegation' }

interface Story extends Scene {
  /** Of the scene's user and client, with `offline_access`. */
  readonly tokens: Tokens
  /** Of the same session and client, without it. */
  readonly bound: Tokens
  /** What an API made of the first. */
  readonly exchanged: Tokens
  /** Of the same user at another client, and of another user at the same client. */
  readonly atOther: Tokens
  readonly ofBob: Tokens
  readonly bob: Browser
  readonly api: ClientWithSecret
  readonly reader: FeedReader
  readonly database: StageOptions['database']
}

/** Everybody has a token, the API has read to the end, and a second has passed. */
async function story(test: TestContext, options: SceneOptions = {}): Promise<Story> {
  const scene = await openScene(test, { client: shop, ...options })
  const { stage, app, browser } = scene
  const api = await stage.addClient(ordersApi)
  const otherApp = stage.app(await stage.addClient(other))
  await stage.addUser('bob@example.com')
  const bob = stage.browser('198.51.100.10')
  await bob.signIn(await bob.open('/account'), 'bob@example.com')
  const tokens = await app.signIn(browser, { resource: orders })
  stage.clock.advanceMs(1)
  const bound = await app.signIn(browser, { resource: orders, scope: 'openid email' })
  const atOther = await otherApp.signIn(browser, { resource: orders })
  const ofBob = await app.signIn(bob, { resource: orders })
  const exchanged = await handOn(stage.app(api), tokens.accessToken, { resource: stock })
  for (const each of [tokens, bound, atOther, ofBob, exchanged])
    assert.equal(each.status, 200, JSON.stringify(each.body))
  const reader = feedReader(stage.app(api))
  await reader.readOn()
  stage.clock.advanceSeconds(1)
  return { ...scene, tokens, bound, exchanged, atOther, ofBob, bob, api, reader, database: options.database }
}

const names = ['tokens', 'bound', 'exchanged', 'atOther', 'ofBob'] as const
type Name = (typeof names)[number]

/** The feed says of each token what is expected, and so does the server when it is asked. */
async function assertDead(said: Story, dead: readonly Name[]): Promise<void> {
  const { stage, reader, app } = said
  stage.clock.advanceMs(lookEveryMs)
  const page = await reader.readOn()
  assert.deepEqual([page.as_of_ms, page.age_ms, page.reset], [stage.clock.nowMs(), 0, false])
  for (const name of names) {
    const { accessToken } = said[name]
    assert.equal(reader.isDead(accessToken), dead.includes(name), `the feed on ${name}`)
    // Nobody's client can introspect what is gone with it; all else agrees.
    const registered = await stage.pawl.store.clients.read(said.registered.client.id)
    const isOurs = decodeJwt(accessToken)['client_id'] === said.registered.client.id
    if (!isOurs || registered === null || registered.client.disabled) continue
    assert.equal((await app.introspect(accessToken)).active, !dead.includes(name), `introspection of ${name}`)
  }
}

function operator(input: RevocationInput) {
  return async ({ stage }: Story): Promise<void> => {
    const plan = await planRevocation(stage.workbench, input)
    await carryOut(stage.workbench, plan)
  }
}

const causes: { readonly [words: string]: readonly [readonly Name[], (story: Story) => Promise<unknown>] } = {
  'a refresh token is revoked': [['tokens', 'exchanged'], ({ app, tokens }) => app.revoke(tokens.refreshToken)],
  'an access token is revoked': [['tokens'], ({ app, tokens }) => app.revoke(tokens.accessToken)],
  'a refresh token is used again': [
    ['tokens', 'exchanged'],
    async ({ app, tokens }) => {
      const second = await app.refresh(tokens.refreshToken)
      await app.refresh(second.refreshToken)
      assert.equal((await app.refresh(tokens.refreshToken)).status, 400)
    },
  ],
  'an operator ends a family': [
    ['tokens', 'exchanged'],
    said => operator({ family: familyIdOf(said.stage, said.tokens.refreshToken) })(said),
  ],
  'an operator ends a user': [['tokens', 'bound', 'exchanged', 'atOther'], operator({ user: 'ada@example.com' })],
  'an operator ends a client': [['tokens', 'bound', 'exchanged', 'ofBob'], operator({ client: 'shop' })],
  'an operator ends the client of an exchange': [['exchanged'], operator({ client: 'orders' })],
  'an operator ends a user at a client': [
    ['tokens', 'bound', 'exchanged'],
    operator({ user: 'ada@example.com', client: 'shop' }),
  ],
  'an operator ends a session': [
    ['tokens', 'bound', 'exchanged', 'atOther'],
    async said => {
      const { grant } = await rowOf(said.stage, familyIdOf(said.stage, said.tokens.refreshToken))
      await operator({ session: grant.sessionId ?? '' })(said)
    },
  ],
  'an operator ends everybody': [names, operator({ all: true })],
  'an operator ends what was there before a moment': [
    names,
    said => operator({ all: true, before: isoInstant(said.stage.clock.nowMs() - 500) })(said),
  ],
  'an operator ends what was there before everything': [
    [],
    said => operator({ all: true, before: isoInstant(said.stage.clock.nowMs() - 60_000) })(said),
  ],
  'a person signs out': [
    ['bound'],
    ({ browser, tokens }) => browser.open(`/logout?id_token_hint=${String(tokens.body['id_token'])}`),
  ],
  'a person signs out everywhere': [
    ['tokens', 'bound', 'exchanged', 'atOther'],
    async ({ browser }) => press(browser, await openAccount(browser), 'sign_out_everywhere'),
  ],
  'a person withdraws a consent': [
    ['tokens', 'bound', 'exchanged'],
    async ({ browser }) => press(browser, await openAccount(browser), 'consent_withdraw', { target: 'shop' }),
  ],
  'a person ends one holding': [
    ['tokens', 'exchanged'],
    async ({ browser, stage, tokens }) =>
      press(browser, await openAccount(browser), 'holding_end', { target: familyIdOf(stage, tokens.refreshToken) }),
  ],
  'the consent to the client of an exchange is withdrawn': [
    ['exchanged'],
    async ({ stage, tokens, api }) => {
      const { subject } = (await rowOf(stage, familyIdOf(stage, tokens.refreshToken))).grant
      assert.ok(subject !== null)
      await stage.pawl.store.consents.withdraw(subject, api.client.id, 'ada', [])
    },
  ],
  'a user is disabled': [
    ['tokens', 'bound', 'exchanged', 'atOther'],
    ({ stage }) => disableUser(stage.workbench, 'ada@example.com'),
  ],
  'a password is reset': [
    ['tokens', 'bound', 'exchanged', 'atOther'],
    ({ stage }) => resetPassword(stage.workbench, 'ada@example.com', 'a new and long enough password'),
  ],
  'a client is disabled': [
    ['tokens', 'bound', 'exchanged', 'ofBob'],
    ({ stage }) => changeClient(stage.workbench, 'shop', { disabled: true }),
  ],
  'a client is removed': [
    ['tokens', 'bound', 'exchanged', 'ofBob'],
    ({ stage }) => removeClient(stage.workbench, 'shop'),
  ],
}

describe('an API that follows the revocation feed', () => {
  for (const [words, [dead, cause]] of Object.entries(causes)) {
    it(`refuses what is over, and nothing else, when ${words}`, async test => {
      const said = await story(test)
      await assertDead(said, [])
      await cause(said)
      await assertDead(said, dead)
    })
  }

  it('refuses what other sessions of a person hold once the password was changed in one of them', async test => {
    const said = await story(test)
    const elsewhere = said.stage.browser('198.51.100.11')
    const there = await said.app.signIn(elsewhere, { resource: orders })
    const page = await openAccount(said.browser)
    await press(said.browser, page, 'change_password', {
      current_password: stagePassword,
      new_password: 'a new and long enough password',
    })
    const isOver = !(await said.app.introspect(there.accessToken)).active
    await assertDead(said, [])
    assert.deepEqual([said.reader.isDead(there.accessToken), isOver], [true, true])
  })

  it('refuses the oldest where a person has as many grants of a client as there may be', async test => {
    const said = await story(test, { settings: { grantsPerUserAndClientMax: 2 } })
    await said.app.signIn(said.browser, { resource: orders })
    await assertDead(said, ['tokens', 'exchanged'])
  })

  it('refuses a branch with its grant, and a branch that ends alone', async test => {
    const said = await story(test)
    const one = await branched(said.app, said.tokens.refreshToken, { branch_name: 'one' })
    const two = await branched(said.app, one.parent.refreshToken, { branch_name: 'two' })
    const [inOne, inTwo] = [
      await said.app.refresh(one.branch.refreshToken),
      await said.app.refresh(two.branch.refreshToken),
    ]
    await said.app.revoke(inOne.refreshToken)
    await assertDead(said, [])
    assert.deepEqual([said.reader.isDead(inOne.accessToken), said.reader.isDead(inTwo.accessToken)], [true, false])
    await said.app.revoke(two.parent.refreshToken)
    await assertDead(said, ['tokens', 'exchanged'])
    assert.equal(said.reader.isDead(inTwo.accessToken), true)
  })

  it('takes what was opened after a cut-off, and what was exchanged after one of the exchanging client', async test => {
    const said = await story(test)
    await operator({ client: 'shop' })(said)
    await operator({ client: 'orders' })(said)
    said.stage.clock.advanceSeconds(1)
    const fresh = await said.app.signIn(said.browser, { resource: orders })
    await assertDead(said, ['tokens', 'bound', 'exchanged', 'ofBob'])
    assert.equal(said.reader.isDead(fresh.accessToken), false)
  })

  it('knows a family by every name that its tokens carry, also after the master key was replaced', async test => {
    const said = await story(test, { database: await databaseFor(test) })
    const keys = masterKeys([newMasterKey(said.stage.entropy, 2), ...said.stage.keys.all])
    const { stage, reader } = await comeBack(test, said, keys)
    const refreshed = await stage.app(said.registered).refresh(said.tokens.refreshToken)
    assert.notDeepEqual(nameIn(refreshed), nameIn(said.tokens))
    await stage.app(said.registered).revoke(refreshed.refreshToken)
    stage.clock.advanceMs(lookEveryMs)
    await reader.readOn()
    for (const { accessToken } of [refreshed, said.tokens, said.exchanged]) {
      assert.equal(reader.isDead(accessToken), true)
    }
    assert.equal(reader.isDead(said.bound.accessToken), false)
  })
})

/** The name of its family in an access token. */
function nameIn({ accessToken }: Tokens): unknown {
  return (decodeJwt(accessToken)['pawl'] as { readonly fam: string }).fam
}

/** The server is stopped and starts again on the same data; the API goes on with the cursor it has. */
async function comeBack(test: TestContext, said: Story, keys: MasterKeys) {
  await said.stage.close()
  const startsAtMs = said.stage.clock.nowMs() + 5000
  const { database } = said
  assert.ok(database !== undefined)
  const stage = await openStage({ database, keys, startsAtMs, seed: 'again' })
  test.after(() => stage.close())
  const reader = feedReader(stage.app(said.api))
  await reader.readOn({ cursor: said.reader.cursor(), wait_seconds: '0' })
  return { stage, reader }
}

describe('the revocation feed', () => {
  it('is in the metadata, and answers with exactly the members that are documented', async test => {
    const { stage, reader, app, tokens } = await story(test)
    const metadata = (await (await stage.send('/.well-known/openid-configuration')).json()) as object
    assert.equal(
      (metadata as { readonly [name: string]: unknown })['pawl_revocation_feed_endpoint'],
      `${stage.issuer}/revocation-feed`,
    )
    await app.revoke(tokens.refreshToken)
    stage.clock.advanceMs(lookEveryMs)
    const page = await reader.readOn()
    assert.deepEqual(Object.keys(page).toSorted(), ['age_ms', 'as_of_ms', 'cursor', 'entries', 'more', 'reset'])
    assert.deepEqual(
      page.entries.map(entry => Object.keys(entry).toSorted()),
      [['fam', 'kind', 'until_ms']],
    )
    assert.ok(page.cursor.length <= 128)
  })

  it('says nothing of people, sessions or the ids of families', async test => {
    const said = await story(test)
    for (const input of [{ user: 'ada@example.com', client: 'shop' }, { user: 'bob@example.com' }]) {
      await operator(input)(said)
    }
    await press(said.bob, await openAccount(said.bob), 'sign_out_everywhere')
    said.stage.clock.advanceMs(lookEveryMs)
    await said.reader.readOn()
    const text = JSON.stringify(said.reader.entries())
    for (const tokens of [said.tokens, said.ofBob, said.atOther]) {
      const { id, grant } = await rowOf(said.stage, familyIdOf(said.stage, tokens.refreshToken))
      for (const secret of [id, grant.subject, grant.sessionId]) assert.ok(secret !== null && !text.includes(secret))
    }
  })

  it('goes on where it was after the server came back', async test => {
    const said = await story(test, { database: await databaseFor(test) })
    await said.app.revoke(said.tokens.refreshToken)
    const { stage, reader } = await comeBack(test, said, said.stage.keys)
    assert.deepEqual(
      reader.entries().map(({ kind }) => kind),
      ['family'],
    )
    assert.equal(reader.isDead(said.tokens.accessToken), true)
    stage.clock.advanceMs(lookEveryMs)
    assert.deepEqual((await reader.readOn()).entries, [])
  })

  it('tells what was revoked in the hours before there was a feed, once the server is a newer one', async test => {
    const database = await databaseFor(test)
    const said = await story(test, { database })
    await said.app.revoke(said.tokens.refreshToken)
    await said.app.revoke(said.bound.accessToken)
    await operator({ user: 'bob@example.com' })(said)
    await said.stage.pawl.settled()
    await database.run('DELETE FROM revocations')
    for (const statement of revocationsSoFar.split(';\n').slice(0, -1)) await database.run(statement)
    const { reader } = await comeBack(test, said, said.stage.keys)
    const dead = names.filter(name => reader.isDead(said[name].accessToken))
    assert.deepEqual(dead, ['tokens', 'bound', 'exchanged', 'ofBob'])
  })
})
