/** What a user lost, and what the operator's own module forbids, is not in the next token. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { decodeJwt } from 'jose'
import { changeUser } from '../../packages/server/src/admin/users.ts'
import type { Tokens } from '../stage/app.ts'
import { idTokenOf } from '../stage/id-token.ts'
import {
  assertInvalidGrant,
  assertUnchanged,
  kindsOf,
  openFamilyOf,
  openScene,
  rowOf,
  type Scene,
  shop,
} from '../stage/scene.ts'
import { notedTimers } from '../stage/timers.ts'

const scopes = ['openid', 'email', 'profile', 'groups', 'offline_access']
const client = { ...shop, scopes }
const asked = { scope: scopes.join(' ') }

const folder = mkdtempSync(join(tmpdir(), 'pawl-claims-'))
after(() => rmSync(folder, { recursive: true }))
let hooks = 0

function hookOf(body: string): { readonly claimsHook: string } {
  hooks += 1
  const path = join(folder, `hook-${hooks}.mjs`)
  writeFileSync(path, `export function claims(context) { ${body} }`)
  return { claimsHook: path }
}

async function groupsIn(scene: Scene, tokens: Tokens): Promise<readonly unknown[]> {
  const userinfo = (await (await scene.app.userinfo(tokens.accessToken)).json()) as { groups?: unknown }
  const idToken = await idTokenOf(scene.stage, tokens, 'shop')
  return [decodeJwt(tokens.accessToken)['groups'], idToken['groups'], userinfo.groups]
}

describe('what is known of a user', () => {
  it('RT-24 is read anew at every refresh: a group that was lost is in no token that follows', async test => {
    const scene = await openScene(test, { client })
    const { workbench } = scene.stage
    await changeUser(workbench, 'ada@example.com', { addGroups: ['staff', 'admin'] })
    const { first } = await openFamilyOf(scene, asked)
    assert.deepEqual(await groupsIn(scene, first), [
      ['staff', 'admin'],
      ['staff', 'admin'],
      ['staff', 'admin'],
    ])
    await changeUser(workbench, 'ada@example.com', { removeGroups: ['admin'] })
    const second = await assertUnchanged(scene.app, first)
    assert.deepEqual(await groupsIn(scene, second), [['staff'], ['staff'], ['staff']])
    await changeUser(workbench, 'ada@example.com', { removeGroups: ['staff'] })
    const third = await assertUnchanged(scene.app, second)
    assert.deepEqual(await groupsIn(scene, third), [[], [], undefined])
  })

  it('RT-24 is told to nobody without the scope, and never grows by a refresh without it', async test => {
    const scene = await openScene(test, { client })
    await changeUser(scene.stage.workbench, 'ada@example.com', { addGroups: ['staff'] })
    const { first } = await openFamilyOf(scene, { scope: 'openid email offline_access' })
    for (const tokens of [first, await assertUnchanged(scene.app, first)]) {
      assert.deepEqual(await groupsIn(scene, tokens), [undefined, undefined, undefined])
    }
    const wide = await openFamilyOf(scene, asked)
    const narrow = await scene.app.refresh(wide.first.refreshToken, { scope: 'openid email' })
    assert.deepEqual(await groupsIn(scene, narrow), [undefined, undefined, undefined])
  })

  it('RT-24 follows what an operator sets: a claim by name, changed and forgotten', async test => {
    const scene = await openScene(test, { client })
    const { workbench } = scene.stage
    const claims = JSON.stringify({ id_token: { nickname: null } })
    await changeUser(workbench, 'ada@example.com', { claims: { nickname: 'Countess' } })
    const { first } = await openFamilyOf(scene, { ...asked, claims })
    assert.equal((await idTokenOf(scene.stage, first, 'shop'))['nickname'], 'Countess')
    await changeUser(workbench, 'ada@example.com', { claims: { nickname: 'Ada' } })
    const second = await assertUnchanged(scene.app, first)
    assert.equal((await idTokenOf(scene.stage, second, 'shop'))['nickname'], 'Ada')
    await changeUser(workbench, 'ada@example.com', { removeClaims: ['nickname'] })
    const third = await assertUnchanged(scene.app, second)
    assert.equal('nickname' in (await idTokenOf(scene.stage, third, 'shop')), false)
  })
})

describe("the operator's own claims", () => {
  it('RT-24 deny a refresh without spending the token, and take it again when nothing is denied', async test => {
    const hook = hookOf("return context.user.groups.includes('staff') ? { add: {} } : { deny: 'not staff' }")
    const scene = await openScene(test, { client, settings: hook })
    const { workbench } = scene.stage
    await changeUser(workbench, 'ada@example.com', { addGroups: ['staff'] })
    const { first, familyId } = await openFamilyOf(scene, asked)
    await changeUser(workbench, 'ada@example.com', { removeGroups: ['staff'] })
    const before = await rowOf(scene.stage, familyId)
    for (let count = 0; count < 3; count++) assertInvalidGrant(await scene.app.refresh(first.refreshToken))
    assert.deepEqual(await rowOf(scene.stage, familyId), before)
    assert.deepEqual(await kindsOf(scene.stage, familyId), ['family_opened'])
    await changeUser(workbench, 'ada@example.com', { addGroups: ['staff'] })
    await assertUnchanged(scene.app, first)
  })

  it('deny a code without using it up', async test => {
    const hook = hookOf("return context.user.groups.includes('staff') ? { add: {} } : { deny: true }")
    const scene = await openScene(test, { client, settings: hook })
    const authorization = await scene.app.authorize(scene.browser, asked)
    assertInvalidGrant(await scene.app.redeem(authorization))
    await changeUser(scene.stage.workbench, 'ada@example.com', { addGroups: ['staff'] })
    assert.equal((await scene.app.redeem(authorization)).status, 200)
  })

  it('are added to the token they are for, told at introspection, and asked for again each time', async test => {
    const hook = hookOf(`globalThis.hookRound = (globalThis.hookRound ?? 0) + 1
      return { add: { accessToken: { round: globalThis.hookRound, who: context.subject, for: context.clientId }, idToken: { plan: 'gold' } } }`)
    const scene = await openScene(test, { client, settings: hook })
    const { first, familyId } = await openFamilyOf(scene, asked)
    const { subject } = (await rowOf(scene.stage, familyId)).grant
    const told = decodeJwt(first.accessToken)
    assert.deepEqual([told['who'], told['for'], told['plan']], [subject, 'shop', undefined])
    assert.equal((await scene.app.introspect(first.accessToken))['who'], subject)
    const idToken = await idTokenOf(scene.stage, first, 'shop')
    assert.deepEqual([idToken['plan'], idToken['who']], ['gold', undefined])
    const second = await assertUnchanged(scene.app, first)
    assert.equal(decodeJwt(second.accessToken)['round'], Number(told['round']) + 1)
  })

  it('say nothing that the server says: then nothing is issued or spent, and it is our fault', async test => {
    const scene = await openScene(test, { client, settings: hookOf('return globalThis.hookAnswer ?? { add: {} }') })
    const { first } = await openFamilyOf(scene, asked)
    const world = globalThis as { hookAnswer?: unknown }
    const wrong = [{ add: { accessToken: { sub: 'root' } } }, { add: { accessToken: { scope: 'admin' } } }, {}, null]
    for (const answer of wrong) {
      world.hookAnswer = answer ?? 'nothing'
      const refused = await scene.app.refresh(first.refreshToken)
      assert.equal(refused.status, 503)
      assert.equal(refused.body['error'], 'temporarily_unavailable')
      assert.equal(refused.headers.get('retry-after'), '1')
    }
    delete world.hookAnswer
    await assertUnchanged(scene.app, first)
  })

  it('are waited for no longer than that: then it is a 503, and the same token is good again', async test => {
    const timers = notedTimers()
    timers.hold()
    const settings = { ...hookOf('return globalThis.hookWaits ?? { add: {} }'), claimsHookMilliseconds: 250 }
    const scene = await openScene(test, { client, settings, startTimer: timers.startTimer })
    const { first } = await openFamilyOf(scene, asked)
    const world = globalThis as { hookWaits?: Promise<unknown> }
    world.hookWaits = new Promise(() => {})
    const waiting = scene.app.refresh(first.refreshToken)
    while (timers.delaysMs.length < 2) await new Promise(resolve => setImmediate(resolve))
    timers.letGo()
    assert.equal((await waiting).status, 503)
    assert.deepEqual([...new Set(timers.delaysMs)], [250])
    delete world.hookWaits
    timers.hold()
    await assertUnchanged(scene.app, first)
  })
})
