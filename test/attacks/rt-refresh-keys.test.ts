/** Keys that change under a family, what its tokens say, and what a thief of the database would find. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it, type TestContext } from 'node:test'
import { rotateSigningKey } from '../../packages/server/src/admin/signing-keys.ts'
import { masterKeys, newMasterKey } from '../../packages/server/src/domain/keys/master-keys.ts'
import { tokenCodec } from '../../packages/server/src/domain/token/codec.ts'
import { retryKey, type Tokens } from '../stage/app.ts'
import { stagePassword } from '../stage/browser.ts'
import { openStage, seededEntropy, type StageOptions } from '../stage/stage.ts'
import {
  assertInvalidGrant,
  assertOver,
  assertUnchanged,
  databaseFor,
  openFamilyOf,
  openScene,
  phone,
  rowOf,
  shop,
} from '../stage/scene.ts'

type Claims = { readonly [name: string]: unknown }

function partOf(jwt: string, at: 0 | 1): Claims {
  return JSON.parse(Buffer.from(jwt.split('.')[at] ?? '', 'base64url').toString()) as Claims
}

function idTokenOf(tokens: Tokens): Claims {
  return partOf(String(tokens.body['id_token']), 1)
}

async function reopened(test: TestContext, options: StageOptions) {
  const stage = await openStage(options)
  test.after(() => stage.close())
  return stage
}

describe('a refresh', () => {
  it('RT-39 signs with the new key once the old one retires, and the family does not notice', async test => {
    const scene = await openScene(test, { client: { ...phone, accessSeconds: 3600 } })
    const { clock, workbench } = scene.stage
    const { first } = await openFamilyOf(scene)
    const rotated = await rotateSigningKey(workbench, 'ES256', {})
    clock.advanceSeconds(599)
    const second = await assertUnchanged(scene.app, first)
    assert.equal(partOf(second.accessToken, 0)['kid'], partOf(first.accessToken, 0)['kid'])
    clock.advanceSeconds(1)
    const third = await assertUnchanged(scene.app, second)
    assert.equal(partOf(third.accessToken, 0)['kid'], rotated.key.kid)
    assert.notEqual(partOf(second.accessToken, 0)['kid'], rotated.key.kid)
    assert.equal((await scene.app.userinfo(second.accessToken)).status, 200, 'what the old key signed still counts')
  })

  it('RT-42 says in its ID token what the sign-in said: no newer, no higher, no nonce', async test => {
    const scene = await openScene(test)
    const { first } = await openFamilyOf(scene)
    scene.stage.clock.advanceSeconds(7200)
    await openFamilyOf(scene, { prompt: 'login' })
    const second = await scene.app.refresh(first.refreshToken, {
      nonce: 'mine',
      acr_values: 'urn:higher',
      max_age: '0',
    })
    const [before, after] = [idTokenOf(first), idTokenOf(second)]
    for (const claim of ['iss', 'sub', 'aud', 'azp', 'auth_time', 'acr', 'amr', 'sid']) {
      assert.ok(before[claim] !== undefined, claim)
      assert.deepEqual(after[claim], before[claim], claim)
    }
    assert.match(String(before['nonce']), /^nonce-/)
    assert.equal(after['nonce'], undefined)
    assert.equal(Number(after['iat']), Number(before['iat']) + 7200)
    const left = createHash('sha256').update(second.accessToken).digest().subarray(0, 16)
    assert.equal(after['at_hash'], left.toString('base64url'))
  })
})

describe('a master key', () => {
  it('RT-48 replaced goes on reading its tokens; retired, their holders sign in again and no more', async test => {
    const database = await databaseFor(test)
    const entropy = seededEntropy('master keys')
    const [old, fresh] = [newMasterKey(entropy, 1), newMasterKey(entropy, 2)]
    const before = await openStage({ database, keys: masterKeys([old]) })
    await before.addUser()
    const registered = await before.addClient(phone)
    const asleep = await before.app(registered).signIn(before.browser())
    const first = await before.app(registered).signIn(before.browser())
    const second = await before.app(registered).refresh(first.refreshToken)
    await before.close()

    const both = await reopened(test, { database, keys: masterKeys([fresh, old]), seed: 'both' })
    const app = both.app(registered)
    const repeat = await app.refresh(first.refreshToken)
    assert.equal(repeat.refreshToken, second.refreshToken, 'a repeat is minted under the key of the first answer')
    const third = await assertUnchanged(app, second)
    assert.deepEqual(keyIdsOf([second, third], [old, fresh]), [1, 2])
    await both.close()

    const after = await reopened(test, { database, keys: masterKeys([fresh]), seed: 'after' })
    assertInvalidGrant(await after.app(registered).refresh(asleep.refreshToken))
    await assertUnchanged(after.app(registered), third)
    const again = await after.app(registered).signIn(after.browser())
    await assertUnchanged(after.app(registered), again)
  })

  it('RT-48 replaced tells a spent token of before from a living one', async test => {
    const database = await databaseFor(test)
    const entropy = seededEntropy('master keys')
    const [old, fresh] = [newMasterKey(entropy, 1), newMasterKey(entropy, 2)]
    const before = await openStage({ database, keys: masterKeys([old]) })
    await before.addUser()
    const registered = await before.addClient(phone)
    const first = await before.app(registered).signIn(before.browser())
    const second = await before.app(registered).refresh(first.refreshToken)
    await before.close()
    const both = await reopened(test, { database, keys: masterKeys([fresh, old]), seed: 'both' })
    const third = await both.app(registered).refresh(second.refreshToken)
    assertInvalidGrant(await both.app(registered).refresh(first.refreshToken))
    await assertOver(both.app(registered), third)
  })
})

describe('the database', () => {
  it('RT-47 holds nothing that an application or a browser holds, nor a bare hash of it', async test => {
    const database = await databaseFor(test)
    const scene = await openScene(test, { database, client: shop })
    const secrets = await secretsOfALife(scene)
    const kept = await database.bytes()
    assert.ok(kept.includes('ada@example.com'), 'the search looks where things are kept')
    assert.ok(secrets.size >= 20, `${secrets.size} secrets`)
    for (const [name, secret] of secrets) {
      for (const [form, bytes] of formsOf(secret)) {
        assert.ok(!kept.includes(bytes), `the database holds ${name}, as ${form}`)
      }
      for (const encoding of ['hex', 'base64', 'base64url'] as const) {
        const bare = createHash('sha256').update(secret)
        // The code challenge is a bare hash of the verifier, by RFC 7636: 256 random bits that nobody guesses.
        if (!name.startsWith('verifier')) assert.ok(!kept.includes(bare.digest(encoding)), `a bare hash of ${name}`)
      }
    }
  })

  it('RT-47 makes no token by itself: without the master key its seed is not enough', async test => {
    const scene = await openScene(test)
    const { first, familyId } = await openFamilyOf(scene)
    const row = await rowOf(scene.stage, familyId)
    const guessed = masterKeys([newMasterKey(seededEntropy('a guess'), 1)])
    assertInvalidGrant(await scene.app.refresh(tokenCodec(guessed).mint('refresh_token', row)))
    const seedless = { ...row, seed: seededEntropy('another seed').bytes(32) }
    const forged = tokenCodec(scene.stage.keys).mint('refresh_token', seedless)
    assertInvalidGrant(await scene.app.refresh(forged))
    assert.equal(tokenCodec(scene.stage.keys).mint('refresh_token', row), first.refreshToken)
    await assertUnchanged(scene.app, first)
  })
})

/** Everything secret that was handed out, or told to the server, in the life of two families. */
async function secretsOfALife(scene: Awaited<ReturnType<typeof openScene>>): Promise<ReadonlyMap<string, string>> {
  const { app, browser, registered } = scene
  const secrets = new Map<string, string>([
    ['password', stagePassword],
    ['client secret', registered.secret ?? ''],
  ])
  const holdTokens = (name: string, tokens: Tokens): void => {
    secrets.set(`access token ${name}`, tokens.accessToken)
    secrets.set(`signature of access token ${name}`, tokens.accessToken.split('.')[2] ?? '')
    secrets.set(`refresh token ${name}`, tokens.refreshToken)
    secrets.set(`id token ${name}`, String(tokens.body['id_token']))
  }
  for (const round of [1, 2]) {
    const authorization = await app.authorize(browser)
    secrets.set(`code ${round}`, authorization.code)
    secrets.set(`verifier ${round}`, authorization.verifier)
    const key = retryKey(`code ${round}`)
    const first = await app.redeem(authorization, {}, key)
    const second = await app.refresh(first.refreshToken, {}, retryKey(`first ${round}`))
    const repeat = await app.refresh(first.refreshToken, {}, retryKey(`first ${round}`))
    assert.deepEqual([first.status, second.status, repeat.status], [200, 200, 200])
    secrets.set(`retry key ${round}`, key['idempotency-key'].slice(5, -1))
    for (const [name, tokens] of Object.entries({ first, second, repeat })) holdTokens(`${round} ${name}`, tokens)
    for (const [name, value] of browser.jar) secrets.set(`cookie ${name} ${round}`, value)
    await app.introspect(second.accessToken)
    await app.refresh(`${second.refreshToken.slice(0, -1)}A`)
  }
  await app.revoke(secrets.get('access token 2 second') ?? '')
  await app.revoke(secrets.get('refresh token 2 first') ?? '')
  for (const [name, value] of secrets) assert.ok(value.length >= 20, name)
  return secrets
}

/** The text, and the bytes it stands for where it is base64url: whole, and the last sixteen, which are the random ones. */
function formsOf(secret: string): readonly (readonly [string, Buffer])[] {
  const token = /^(?:pawl_[a-z]{2}_)?([A-Za-z0-9_-]+)$/.exec(secret)?.[1]
  if (token === undefined) return [['text', Buffer.from(secret)]]
  const bytes = Buffer.from(token, 'base64url')
  return [
    ['text', Buffer.from(secret)],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['bytes', bytes],
    ['its last bytes', bytes.subarray(-16)],
  ]
}

function keyIdsOf(tokens: readonly Tokens[], keys: Parameters<typeof masterKeys>[0]): readonly (number | undefined)[] {
  const codec = tokenCodec(masterKeys(keys))
  return tokens.map(({ refreshToken }) => codec.parse('refresh_token', refreshToken)?.keyId)
}
