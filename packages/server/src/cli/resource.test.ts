import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Ran, runHere, type Surroundings } from './fixture.test.ts'

/** What operators write about resources, and about what is known of people. */

let data: string

before(() => {
  data = mkdtempSync(join(tmpdir(), 'pawl-resource-'))
})

after(() => {
  rmSync(data, { recursive: true })
})

function run(words: readonly string[], surroundings?: Surroundings): Promise<Ran> {
  return runHere([...words, '--data', data], surroundings)
}

async function json<T>(words: readonly string[], surroundings?: Surroundings): Promise<T> {
  const { exitCode, out, err } = await run([...words, '--json'], surroundings)
  assert.deepEqual([exitCode, err], [0, ''])
  return JSON.parse(out) as T
}

type Json = { readonly [name: string]: unknown }

describe('pawl resource', () => {
  it('adds, shows, changes, lists and removes', async () => {
    const uri = 'https://orders.example/v1'
    const flags = ['--scope', 'orders:read orders:write', '--tokens', 'opaque', '--introspector', 'orders-api']
    const { created_at: _createdAt, ...added } = await json<Json>(['resource', 'add', uri, ...flags])
    assert.deepEqual(added, {
      resource: uri,
      audience: uri,
      scopes: ['orders:read', 'orders:write'],
      access_token_format: 'opaque',
      access_seconds: null,
      access_token_signing_alg: 'ES256',
      introspectors: ['orders-api'],
    })
    const more = ['--audience', 'orders', '--tokens', 'client', '--access-seconds', '60', '--alg', 'EdDSA']
    const changed = await json<Json>(['resource', 'set', uri, ...more])
    assert.deepEqual(
      [changed['audience'], changed['access_token_format'], changed['access_seconds']],
      ['orders', null, 60],
    )
    assert.deepEqual(await json(['resource', 'show', uri]), changed)
    assert.equal((await json<Json>(['resource', 'set', uri, '--no-access-seconds']))['access_seconds'], null)
    assert.equal((await json<readonly Json[]>(['resource', 'list'])).length, 1)
    assert.match((await run(['resource', 'list'])).out, /orders\.example\/v1 +orders/)
    assert.match((await run(['resource', 'show', uri])).out, /signed with +EdDSA/)
    const keys = await json<readonly Json[]>(['keys', 'list'])
    assert.ok(
      keys.some(key => key['alg'] === 'EdDSA'),
      'the first key is made when somebody wants it',
    )
    assert.equal((await json<Json>(['resource', 'remove', uri]))['resource'], uri)
    assert.deepEqual(await json(['resource', 'list']), [])
  })

  it('answers mistakes with sentences and the exit code for them', async () => {
    const none = await run(['resource', 'show', 'https://nowhere.example'])
    assert.deepEqual([none.exitCode, none.err], [1, 'There is no resource "https://nowhere.example".\n'])
    const wrong = await run(['resource', 'add', 'orders'])
    assert.equal(wrong.exitCode, 2)
    assert.match(wrong.err, /is not a resource indicator/)
    assert.equal((await run(['resource', 'set', 'https://nowhere.example'])).exitCode, 2)
  })
})

describe('pawl user set', () => {
  it('changes claims and groups, and leaves the rest', async () => {
    const password = { stdin: 'correct horse battery staple\n' }
    const adding = [
      'user',
      'add',
      'ada@example.com',
      '--password-stdin',
      '--claim',
      'given_name=Ada',
      '--group',
      'staff',
    ]
    const added = await json<Json>(adding, password)
    assert.deepEqual(added['claims'], { given_name: 'Ada', groups: ['staff'] })
    const flags = ['--claim', 'nickname=Countess', '--remove-claim', 'given_name', '--group', 'admin']
    const changed = await json<Json>(['user', 'set', 'ada@example.com', ...flags, '--email-verified'])
    assert.deepEqual(changed, {
      ...added,
      email_verified: true,
      claims: { nickname: 'Countess', groups: ['staff', 'admin'] },
    })
    const less = ['--remove-group', 'staff', '--remove-group', 'admin', '--no-email-verified']
    const last = await json<Json>(['user', 'set', 'ada@example.com', ...less])
    assert.deepEqual([last['claims'], last['email_verified']], [{ nickname: 'Countess' }, false])
  })

  it('refuses claims of the server, groups as a claim, nothing, and nobody', async () => {
    const refusals = [
      [['ada@example.com', '--claim', 'sub=root'], 2],
      [['ada@example.com', '--claim', 'groups=["admin"]'], 2],
      [['ada@example.com', '--claim', `x=${'a'.repeat(20_000)}`], 2],
      [['ada@example.com'], 2],
      [['nobody@example.com', '--group', 'staff'], 1],
    ] as const
    for (const [words, exitCode] of refusals) {
      assert.equal((await run(['user', 'set', ...words])).exitCode, exitCode, words.join(' ').slice(0, 60))
    }
  })
})
