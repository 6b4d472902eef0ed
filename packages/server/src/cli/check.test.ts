import assert from 'node:assert/strict'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runHere } from './fixture.test.ts'

/** `pawl check` as a script sees it. */

let data: string
let keys: string
const https = [
  '--issuer',
  'https://as.example',
  '--resources',
  'registered',
  '--tls-cert',
  'c.pem',
  '--tls-key',
  'k.pem',
]
const environment = { PAWL_MASTER_KEY: randomBytes(32).toString('base64url') }

before(async () => {
  data = mkdtempSync(join(tmpdir(), 'pawl-check-'))
  keys = join(data, 'keys.json')
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(keys, JSON.stringify(publicKey.export({ format: 'jwk' })))
  const add = ['client', 'add', '--data', data, '--redirect', 'https://app.example/cb', '--kind', 'web']
  for (const words of [['bank', '--profile', 'fapi2', '--jwks', keys], ['shop']]) {
    const { exitCode, err } = await runHere([...add, ...words], { environment })
    assert.equal(exitCode, 0, err)
  }
})

after(() => {
  rmSync(data, { recursive: true })
})

interface Report {
  readonly profile: string
  readonly issuer: string
  readonly problems: number
  readonly findings: readonly { readonly clause: string; readonly state: string; readonly client?: string | null }[]
}

function check(...words: readonly string[]) {
  return runHere(['check', '--data', data, ...words], { environment })
}

describe('pawl check', () => {
  it('exits with 5 where something is wrong, and says with which client and what to change', async () => {
    const { exitCode, out, err } = await check('--profile', 'fapi2', ...https)
    assert.equal(exitCode, 5)
    assert.match(out, /^FAPI 2\.0 Security Profile: https:\/\/as\.example, 2 clients\n/)
    assert.match(out, /\nFAILS {3}5\.3\.2\.1-6 {2}/)
    assert.match(out, /client shop: it authenticates by client_secret_basic,[^;]*;\s+say --auth\s+private_key_jwt/)
    assert.doesNotMatch(out, /client bank:/)
    assert.match(err, /^\d+ problems\.\n$/)
  })

  it('exits with 0 for the client that keeps the profile, looked at alone', async () => {
    const { exitCode, out, err } = await check('--profile', 'fapi2', '--client', 'bank', ...https)
    assert.deepEqual([exitCode, err], [0, '0 problems.\n'])
    assert.doesNotMatch(out, /FAILS/)
  })

  it('reports in JSON what it reports in words', async () => {
    const { exitCode, out, err } = await check('--profile', 'fapi2', '--json', ...https)
    assert.deepEqual([exitCode, err], [5, ''])
    const report = JSON.parse(out) as Report
    assert.deepEqual([report.profile, report.issuer], ['fapi2', 'https://as.example'])
    const failed = report.findings.filter(({ state }) => state === 'failed')
    assert.equal(failed.length, report.problems)
    assert.ok(failed.every(({ client }) => client === 'shop'))
    const states = new Set(report.findings.map(({ state }) => state))
    assert.ok(states.has('always') && states.has('met'))
  })

  it('says of each thing that a clause asks for how it stands, and each thing once', async () => {
    const page = ['client', 'add', 'page', '--kind', 'spa', '--refresh', '--redirect', 'https://page.example/cb']
    assert.equal((await runHere([...page, '--data', data], { environment })).exitCode, 0)
    const { out } = await check('--profile', 'rfc10017', ...https)
    const lines = out.split('\n').filter(line => line.includes('6.3.2.3'))
    assert.deepEqual(
      lines.map(line => line.slice(0, 6)),
      ['met   ', 'always', 'FAILS '],
    )
    assert.equal((await runHere(['client', 'remove', 'page', '--data', data], { environment })).exitCode, 0)
    const { out: all } = await check('--profile', 'fapi2', ...https)
    assert.equal(all.split('\n').filter(line => line.includes('  5.3.2.1-6  ')).length, 1)
  })

  it('speaks of the server that its flags make', async () => {
    const codes = async (...words: readonly string[]) => {
      const { out } = await check('--profile', 'fapi2', '--json', ...words)
      const { findings } = JSON.parse(out) as Report
      return findings.find(({ clause }) => clause === '5.3.2.1-11')?.state
    }
    assert.equal(await codes(...https), 'met')
    assert.equal(await codes(...https, '--code-seconds', '61'), 'failed')
    const { out } = await check('--profile', 'fapi2', '--json', '--client', 'bank')
    const { findings } = JSON.parse(out) as Report
    assert.equal(findings.find(({ clause }) => clause === '5.2.1')?.state, 'failed', 'http on loopback')
  })

  it('knows every profile by its name, and refuses others as a mistake', async () => {
    for (const name of ['oauth2.1', 'fapi2', 'rfc10017', 'mcp', 'asvs5']) {
      const { exitCode, out } = await check('--profile', name, '--json')
      assert.ok(exitCode === 0 || exitCode === 5, name)
      assert.equal((JSON.parse(out) as Report).profile, name)
    }
    assert.equal((await check('--profile', 'fapi1')).exitCode, 2)
    assert.equal((await check()).exitCode, 2)
    assert.equal((await check('--profile', 'mcp', '--client', 'nobody')).exitCode, 1)
  })

  it('looks at no client that is disabled, unless it is named', async () => {
    const words = ['client', 'set', 'shop', '--data', data]
    assert.equal((await runHere([...words, '--disable'], { environment })).exitCode, 0)
    assert.equal((await check('--profile', 'fapi2', ...https)).exitCode, 0)
    assert.equal((await check('--profile', 'fapi2', '--client', 'shop', ...https)).exitCode, 5)
    assert.equal((await runHere([...words, '--enable'], { environment })).exitCode, 0)
  })
})
