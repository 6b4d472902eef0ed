/** Two hands on one account at the same moment: whoever ends everything has the last word. */

import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { disableUser, resetFactors, resetPassword } from '../../packages/server/src/admin/users.ts'
import type { Passkey } from '../../packages/server/src/domain/user/credentials.ts'
import type { Store } from '../../packages/server/src/domain/store.ts'
import { changePassword, type Owner, removeTotp } from '../../packages/server/src/oauth/account/means-to-sign-in.ts'
import { openAccount } from '../stage/account.ts'
import type { Tokens } from '../stage/app.ts'
import { stagePassword } from '../stage/browser.ts'
import { partsOf, somebody } from '../stage/parts.ts'
import { assertOver, openScene, type Scene, shop } from '../stage/scene.ts'
import { giveAuthenticator } from '../stage/second-factor.ts'

const fresh = 'what the owner chose'

interface Held extends Scene {
  /** Whoever has the account page open: it may be a thief. */
  readonly owner: Owner
  readonly tokens: Tokens
}

async function held(test: TestContext): Promise<Held> {
  const scene = await openScene(test, { client: { ...shop, firstParty: true } })
  const tokens = await scene.app.signIn(scene.browser)
  const { store } = scene.stage.pawl
  const [user] = await store.users.list(1)
  assert.ok(user !== undefined)
  const [session] = await store.sessions.ofUser(user.subject, 1)
  assert.ok(session !== undefined)
  scene.stage.clock.advanceSeconds(1)
  return { ...scene, tokens, owner: { user, session, caller: somebody } }
}

describe('a password that is reset while somebody else changes it', () => {
  it('RT-21 stays as the reset has set it, and whoever changed it is signed out', async test => {
    const { stage, app, owner, tokens } = await held(test)
    const { store } = stage.pawl
    let isReset = false
    const meanwhile: Store = {
      ...store,
      users: {
        ...store.users,
        read: async subject => {
          if (!isReset) await resetPassword(stage.workbench, owner.user.email, fresh)
          isReset = true
          return store.users.read(subject)
        },
      },
    }
    const server = await partsOf(stage, meanwhile)
    const typed = { current: stagePassword, wanted: 'what the thief chose', deviceSecret: null }
    assert.deepEqual(await changePassword(server, owner, typed), { kind: 'refused' })
    assert.equal(isReset, true)
    assert.equal(await store.sessions.read(owner.session.id), null)
    await assertOver(app, tokens)
    assert.match((await openAccount(stage.browser('198.51.100.77'), fresh)).body, /Your account<\/h1>/)
  })
})

describe('a password that is changed while its owner is disabled', () => {
  it('RT-23 stays as it was, and so does the owner', async test => {
    const { stage, app, owner, tokens } = await held(test)
    const { store } = stage.pawl
    const read: Store['users']['read'] = async subject => {
      await disableUser(stage.workbench, owner.user.email)
      return store.users.read(subject)
    }
    const server = await partsOf(stage, { ...store, users: { ...store.users, read } })
    const typed = { current: stagePassword, wanted: 'what the thief chose', deviceSecret: null }
    assert.deepEqual(await changePassword(server, owner, typed), { kind: 'refused' })
    const after = (await store.users.read(owner.user.subject))?.user
    assert.deepEqual([after?.disabled, after?.passwordHash], [true, owner.user.passwordHash])
    assert.equal(await store.sessions.read(owner.session.id), null)
    await assertOver(app, tokens)
  })
})

describe('a session that is ended while something is changed in it', () => {
  it('RT-21 is not spared by that change, and comes back by no later one', async test => {
    const { stage, app, owner, tokens } = await held(test)
    const { store } = stage.pawl
    await giveAuthenticator(stage, owner.user)
    const server = await partsOf(stage, {
      ...store,
      credentials: {
        ...store.credentials,
        removeTotp: async (...change) => {
          await resetPassword(stage.workbench, owner.user.email, fresh)
          return store.credentials.removeTotp(...change)
        },
      },
    })
    await removeTotp(server, owner)
    assert.equal(await store.sessions.read(owner.session.id), null)
    await assertOver(app, tokens)
    const again = await openAccount(stage.browser('198.51.100.77'), fresh)
    assert.match(again.body, /Your account<\/h1>/)
    assert.equal(await store.sessions.read(owner.session.id), null)
  })
})

describe('an operator who takes away every other way to sign in', () => {
  it('RT-21 takes away one that is made in the meantime too, and ends what it opened', async test => {
    const { stage, owner } = await held(test)
    const { store } = stage.pawl
    const { subject } = owner.user
    const passkey: Passkey = {
      id: 'made-meanwhile',
      subject,
      name: 'The thief’s',
      publicKey: Uint8Array.of(1),
      counter: 0,
      transports: [],
      createdAtMs: stage.clock.nowMs(),
      usedAtMs: null,
    }
    let isMade = false
    const credentials: Store['credentials'] = {
      ...store.credentials,
      removeTotp: async (...change) => {
        await store.credentials.removeTotp(...change)
        if (isMade) return
        isMade = true
        await store.credentials.addPasskey(passkey, 'nothing', [])
        await store.sessions.save({ ...owner.session, authTimeMs: await store.now() }, null, [])
      },
    }
    await resetFactors({ ...stage.workbench, store: { ...store, credentials } }, owner.user.email)
    assert.equal(isMade, true)
    assert.deepEqual((await store.credentials.ofUser(subject)).passkeys, [])
    assert.deepEqual(await store.sessions.ofUser(subject, 10), [])
  })
})
