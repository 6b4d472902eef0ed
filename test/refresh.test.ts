/** The story of one family, told over the wire. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { retryKey } from './stage/app.ts'
import { openStage } from './stage/stage.ts'

describe('a family over the wire', () => {
  it('issues, rotates, repeats, catches the thief and ends', async () => {
    const stage = await openStage()
    await stage.addUser()
    const app = stage.app(await stage.addClient({ id: 'phone', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] }))
    const first = await app.signIn(stage.browser())
    assert.equal(first.status, 200)
    const second = await app.refresh(first.refreshToken)
    assert.equal(second.status, 200)
    assert.notEqual(second.refreshToken, first.refreshToken)
    const again = await app.refresh(first.refreshToken)
    assert.equal(again.refreshToken, second.refreshToken)
    const third = await app.refresh(second.refreshToken)
    assert.equal(third.status, 200)
    const thief = await app.refresh(first.refreshToken)
    assert.equal(thief.status, 400)
    assert.deepEqual(thief.body['error'], 'invalid_grant')
    const honest = await app.refresh(third.refreshToken)
    assert.equal(honest.status, 400)
    assert.equal((await app.userinfo(third.accessToken)).status, 401)
    await stage.close()
  })

  it('repeats byte for byte with the retry key, for as long as the family lives', async () => {
    const stage = await openStage()
    await stage.addUser()
    const app = stage.app(await stage.addClient({ id: 'phone', kind: 'native', redirectUris: ['http://127.0.0.1/cb'] }))
    const authorization = await app.authorize(stage.browser())
    const first = await app.redeem(authorization, {}, retryKey('code'))
    const second = await app.refresh(first.refreshToken, {}, retryKey('first'))
    stage.clock.advanceSeconds(86_400)
    const again = await app.refresh(first.refreshToken, {}, retryKey('first'))
    assert.equal(again.refreshToken, second.refreshToken)
    assert.equal((await app.refresh(second.refreshToken)).status, 400, 'a keyed family needs its key')
    assert.equal((await app.refresh(second.refreshToken, {}, retryKey('second'))).status, 200)
    await stage.close()
  })
})
