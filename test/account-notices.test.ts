/** Word by mail of what was changed about how somebody signs in: whoever did not do it learns of it. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { noticesPerHourMax } from '../packages/server/src/domain/user/password-mail.ts'
import { openAccount, passkeyFormOf, passkeyOptionsOf, press } from './stage/account.ts'
import type { BrowserPage } from './stage/browser.ts'
import { softPasskey } from './stage/passkey.ts'
import { openScene, type Scene, settle, shop } from './stage/scene.ts'
import { giveAuthenticator } from './stage/second-factor.ts'

/** The account page of somebody who has codes, once a code was shown. */
async function withCodes(scene: Scene): Promise<BrowserPage> {
  const [user] = await scene.stage.pawl.store.users.list(1)
  assert.ok(user !== undefined)
  const { code } = await giveAuthenticator(scene.stage, user)
  const page = await openAccount(scene.browser)
  return scene.browser.submit(page, { code: code(), decision: 'check' })
}

async function subjectsAndTexts(scene: Scene): Promise<readonly string[]> {
  await settle(scene.stage)
  return scene.stage.mails().map(({ to, text }) => `${to}: ${text.split('\n')[0] ?? ''}`)
}

describe('a change to how somebody signs in', () => {
  it('is told to its owner, at the address that is kept, and names what it was', async test => {
    const scene = await openScene(test, { client: shop })
    const { browser, stage } = scene
    let page = await withCodes(scene)
    const { challenge } = passkeyOptionsOf(page)
    const asked = { challenge, origin: stage.issuer, rpId: 'localhost', subject: null }
    const credential = softPasskey('one').creation(asked)
    page = await browser.submit(passkeyFormOf(page), { credential, name: '<b>One</b>', decision: 'passkey' })
    assert.match(page.body, /The passkey is added/)
    await settle(stage)
    page = await press(browser, page, 'passkey_remove')
    await settle(stage)
    await press(browser, page, 'recovery_codes')
    await settle(stage)
    await press(browser, await browser.open('/account'), 'totp_remove')
    assert.deepEqual(await subjectsAndTexts(scene), [
      'ada@example.com: Codes of an authenticator application were turned off for your account at localhost:7295 just now.',
      'ada@example.com: New recovery codes were made for your account at localhost:7295 just now.',
      'ada@example.com: A passkey was removed from your account at localhost:7295 just now.',
      'ada@example.com: A passkey was added to your account at localhost:7295 just now.',
    ])
    for (const { text } of stage.mails()) assert.doesNotMatch(text, /One/, 'nothing that was typed is repeated')
  })

  it('is told of too where a recovery code was used to sign in', async test => {
    const scene = await openScene(test, { client: shop })
    const [user] = await scene.stage.pawl.store.users.list(1)
    assert.ok(user !== undefined)
    const { recoveryCodes } = await giveAuthenticator(scene.stage, user)
    const page = await openAccount(scene.browser)
    const wrong = await scene.browser.submit(page, { code: '0000-0000-0000-0000', decision: 'check' })
    assert.deepEqual(await subjectsAndTexts(scene), [])
    await scene.browser.submit(wrong, { code: recoveryCodes[0] ?? '', decision: 'check' })
    assert.deepEqual(await subjectsAndTexts(scene), [
      'ada@example.com: A recovery code was used to sign in to your account at localhost:7295 just now.',
    ])
  })

  it('buries nobody in mail, however often it is made', async test => {
    const scene = await openScene(test, { client: shop })
    await withCodes(scene)
    for (let change = 0; change < noticesPerHourMax + 3; change++) {
      await press(scene.browser, await scene.browser.open('/account'), 'recovery_codes')
      await settle(scene.stage)
    }
    assert.equal(scene.stage.mails().length, noticesPerHourMax)
  })

  it('that changed nothing is no news', async test => {
    const scene = await openScene(test, { client: shop })
    const page = await openAccount(scene.browser)
    const start = await press(scene.browser, page, 'totp_start')
    await press(scene.browser, start, 'totp_confirm', { code: '12345x' })
    assert.deepEqual(await subjectsAndTexts(scene), [])
  })
})
