import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runHere } from './fixture.test.ts'

let data: string

before(() => {
  data = mkdtempSync(join(tmpdir(), 'pawl-registration-token-'))
})

after(() => {
  rmSync(data, { recursive: true })
})

async function run(...words: readonly string[]) {
  return runHere(['registration-token', ...words, '--data', data])
}

async function json(...words: readonly string[]): Promise<unknown> {
  const { exitCode, out, err } = await run(...words, '--json')
  assert.deepEqual([exitCode, err], [0, ''])
  return JSON.parse(out) as unknown
}

describe('pawl registration-token', () => {
  it('makes a token that is good for one client of any ordinary kind, for a week', async () => {
    const made = (await json('add', 'plain')) as { readonly [name: string]: unknown }
    const expected: { readonly [name: string]: unknown } = {
      ...made,
      name: 'plain',
      kinds: ['web', 'spa', 'native', 'device'],
      scope: 'openid profile email phone address offline_access',
      partner: null,
      uses_left: 1,
    }
    assert.deepEqual(made, expected)
    assert.match(String(made['token']), /^pawl_iat_[\w-]{44}$/)
  })

  it('makes one for what is said, and lists it without its secret', async () => {
    const flags = ['--uses', '3', '--kind', 'service', '--scope', 'jobs:read jobs:write', '--partner', 'acme']
    const made = (await json('add', 'jobs', ...flags, '--expires-seconds', '60')) as { readonly token: string }
    const { token, ...told } = made
    const listed = (await json('list')) as readonly { readonly name: string }[]
    assert.deepEqual(
      listed.find(({ name }) => name === 'jobs'),
      { ...told, kinds: ['service'], scope: 'jobs:read jobs:write', partner: 'acme', uses_left: 3 },
    )
    assert.equal(JSON.stringify(listed).includes(token), false)
    const { out } = await run('list')
    assert.match(out, /jobs +3 +\S+ +service +acme/)
    assert.equal(out.includes(token), false)
  })

  it('takes one back, once', async () => {
    await json('add', 'gone')
    assert.deepEqual(await json('revoke', 'gone'), { name: 'gone', revoked: true })
    const again = await run('revoke', 'gone')
    assert.equal(again.exitCode, 1)
    assert.match(again.err, /There is no registration token "gone"/)
  })

  it('refuses what makes no sense, in sentences', async () => {
    await json('add', 'taken')
    for (const [words, sentence] of [
      [['taken'], /There is a registration token taken already/],
      [['-x'], /./],
      [['a b'], /The name of a token has 1 to 100/],
      [['a', '--uses', '0'], /--uses is a whole number from 1/],
      [['a', '--uses', '10001'], /--uses is a whole number from 1/],
      [['a', '--kind', 'toaster'], /kinds/],
      [['a', '--scope', '"'], /is not a scope/],
      [['a', '--partner', 'a b'], /A partner is 1 to 100/],
      [['a', '--expires-seconds', '0'], /--expires-seconds is a whole number/],
      [['a', '--expires-seconds', '31622401'], /--expires-seconds is a whole number/],
    ] as const) {
      const { exitCode, out, err } = await run('add', ...words)
      assert.notEqual(exitCode, 0, words.join(' '))
      assert.match(err, sentence)
      assert.equal(out, '')
    }
  })
})
