import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { type Ran, runHere, type Surroundings } from './fixture.test.ts'

/** Commands as a script sees them; as a process of its own where that is what matters. */

const program = fileURLToPath(new URL('../../bin/pawl.js', import.meta.url))

/** A command that takes longer hangs, and ends without an exit code. */
const hangsAfterMs = 300_000

let home: string
let data: string

before(() => {
  home = mkdtempSync(join(tmpdir(), 'pawl-cli-'))
  data = join(home, 'data')
})

after(() => {
  rmSync(home, { recursive: true })
})

async function run(words: readonly string[], { stdin = '', environment = {} }: Surroundings = {}): Promise<Ran> {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('PAWL_')))
  const child = spawn(process.execPath, [program, ...words], {
    env: { ...clean, ...environment },
    timeout: hangsAfterMs,
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  child.stdin.on('error', () => {})
  child.stdin.end(stdin)
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return { exitCode, out, err }
}

/** One JSON document on stdout and nothing on stderr. */
async function json<T>(words: readonly string[], surroundings?: Surroundings): Promise<T> {
  const { exitCode, out, err } = await runHere([...words, '--data', data, '--json'], surroundings)
  assert.deepEqual([exitCode, err], [0, ''])
  assert.equal(out.trimEnd().includes('\n'), false)
  return JSON.parse(out) as T
}

describe('exit codes', () => {
  it('0 for help, and 2 with a hint for an unknown flag', async () => {
    assert.deepEqual((await run(['--help'])).exitCode, 0)
    const { exitCode, err } = await run(['client', 'list', '--jsn'])
    assert.deepEqual([exitCode, /Did you mean --json/.test(err)], [2, true])
  })

  it('4 for a database that is none', async () => {
    const broken = join(home, 'broken.db')
    writeFileSync(broken, 'this is not a database, whatever it is called '.repeat(100))
    const { exitCode } = await run(['client', 'list', '--data', data, '--store', `sqlite:${broken}`], {
      environment: { PAWL_MASTER_KEY: 'A'.repeat(43) },
    })
    assert.equal(exitCode, 4)
  })

  it('3 for a master key that is not the one of the database', async () => {
    assert.equal((await run(['client', 'list', '--data', data])).exitCode, 0)
    const environment = { PAWL_MASTER_KEY: 'A'.repeat(43) }
    const { exitCode, err } = await run(['client', 'list', '--data', data], { environment })
    assert.equal(exitCode, 3)
    assert.match(err, /not the one this database was made with/)
  })

  it('OP-01 3 for a key file that others can read, in production', async () => {
    const shared = join(home, 'shared')
    mkdirSync(shared)
    writeFileSync(join(shared, 'master.key'), `${'A'.repeat(43)}\n`)
    chmodSync(join(shared, 'master.key'), 0o644)
    const words = ['serve', '--data', shared, '--issuer', 'https://a.example', '--port', '0']
    const { exitCode, err } = await run(words)
    assert.deepEqual([exitCode, /chmod 600/.test(err)], [3, true])
  })
})

interface ClientJson {
  readonly client_id: string
  readonly client_secret?: string
  readonly redirect_uris: readonly string[]
  readonly secrets: readonly unknown[]
}

describe('client', () => {
  it('goes from add to remove, in JSON', async () => {
    const words = [
      'client',
      'add',
      'app',
      '--kind',
      'web',
      '--redirect',
      'https://a.example/1',
      '--redirect',
      'https://a.example/2',
    ]
    const added = await json<ClientJson>([...words, '--scope', 'openid email', '--scope', 'offline_access'])
    assert.deepEqual(added.redirect_uris, ['https://a.example/1', 'https://a.example/2'])
    const { client_secret: secret = '', ...rest } = added
    assert.match(secret, /^pawl_cs_/)
    const { client_secret_expires_at: _never, ...shown } = rest as ClientJson & { client_secret_expires_at: number }
    assert.deepEqual(await json(['client', 'show', 'app']), shown)
    assert.equal((await json<readonly ClientJson[]>(['client', 'list'])).length, 1)
    const rotated = await json<ClientJson>(['client', 'rotate-secret', 'app', '--overlap-seconds', '60'])
    assert.notEqual(rotated.client_secret, secret)
    assert.equal(rotated.secrets.length, 2)
    const changed = await json<{ partner: string }>(['client', 'set', 'app', '--partner', 'acme'])
    assert.equal(changed.partner, 'acme')
    assert.equal((await json<{ partner: null }>(['client', 'set', 'app', '--no-partner'])).partner, null)
    assert.deepEqual(await json(['client', 'remove', 'app', '--dry-run']), {
      client_id: 'app',
      families: 0,
      dry_run: true,
    })
    assert.deepEqual(await json(['client', 'remove', 'app']), { client_id: 'app', families: 0, dry_run: false })
    assert.deepEqual(await json(['client', 'list']), [])
  })
})

describe('user', () => {
  it('takes the password from one line of stdin, without its line end', async () => {
    const added = await json<{ sub: string; email: string; claims: object }>(
      [
        'user',
        'add',
        'ada@example.com',
        '--password-stdin',
        '--claim',
        'given_name=Ada',
        '--claim',
        'address={"country":"UK"}',
      ],
      { stdin: 'correct horse battery\r\nnot this line\n' },
    )
    assert.equal(added.email, 'ada@example.com')
    assert.deepEqual(added.claims, { given_name: 'Ada', address: { country: 'UK' } })
    assert.match(added.sub, /^[A-Za-z0-9_-]{22}$/)
    const { exitCode, err } = await runHere(['user', 'add', 'ADA@example.com', '--password-stdin', '--data', data], {
      stdin: 'correct horse\n',
    })
    assert.deepEqual([exitCode, /already/.test(err)], [1, true])
    assert.equal((await json<readonly object[]>(['user', 'list'])).length, 1)
    assert.equal((await json<{ disabled: boolean }>(['user', 'disable', 'ada@example.com'])).disabled, true)
    assert.equal((await json<{ disabled: boolean }>(['user', 'enable', added.sub])).disabled, false)
    const words = ['user', 'password', 'ada@example.com', '--password-stdin']
    assert.equal((await json<{ families: number }>(words, { stdin: 'another horse' })).families, 0)
  })

  it('refuses a password that is too short, without repeating it', async () => {
    const words = ['user', 'add', 'bob@example.com', '--password-stdin', '--data', data]
    const { exitCode, out, err } = await runHere(words, { stdin: 'hunter2\n' })
    assert.deepEqual([exitCode, out, /hunter2/.test(err)], [2, '', false])
    assert.match(err, /at least 8 characters/)
  })
})

describe('the rest', () => {
  it('counts, then revokes with --yes', async () => {
    const dry = await json<object>(['revoke', '--all', '--dry-run'])
    assert.deepEqual(dry, { families: 0, dry_run: true, cutoff: null })
    const done = await json<{ cutoff: string }>(['revoke', '--all', '--yes'])
    assert.match(done.cutoff, /^\d{4}-\d\d-\d\dT.*Z$/)
  })

  it('rotates signing keys, published before they sign', async () => {
    const before = await json<readonly { state: string }[]>(['keys', 'list'])
    const rotated = await json<{ kid: string; state: string; alg: string }>(['keys', 'rotate', '--alg', 'RS256'])
    assert.deepEqual([rotated.state, rotated.alg], ['published', 'RS256'])
    const after = await json<readonly { kid: string }[]>(['keys', 'list'])
    assert.ok(after.length > before.length && after.some(({ kid }) => kid === rotated.kid))
  })

  it('prints the JSON Schema of its configuration', async () => {
    const { exitCode, out } = await runHere(['config', 'schema'])
    const schema = JSON.parse(out) as { properties: { port: { default: number } } }
    assert.deepEqual([exitCode, schema.properties.port.default], [0, 7295])
  })

  it('keeps everything in DIR for its owner alone', () => {
    assert.equal(statSync(join(data, 'master.key')).mode & 0o777, 0o600)
    assert.equal(statSync(join(data, 'pawl.db')).mode & 0o077, 0)
    assert.match(readFileSync(join(data, 'master.key'), 'utf8'), /^1:[A-Za-z0-9_-]{43}\n$/)
  })

  it('ends two first starts at once with one key', async () => {
    const fresh = join(home, 'fresh')
    const all = await Promise.all(
      ['a', 'b', 'c'].map(id => run(['client', 'add', id, '--kind', 'service', '--data', fresh])),
    )
    assert.deepEqual(
      all.map(({ exitCode, err }) => [exitCode, err]),
      [
        [0, ''],
        [0, ''],
        [0, ''],
      ],
    )
  })
})
