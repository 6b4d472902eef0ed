import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { configFileBytesMax, type ConfigSources, readSettings } from './read-config.ts'
import {
  environmentNameOf,
  flagOf,
  settingMeaning,
  settingNames,
  settingsJsonSchema,
  settingsSchema,
} from './settings.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'pawl-config-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

function read(changes: Partial<ConfigSources> = {}): ReturnType<typeof readSettings> {
  return readSettings({ environment: {}, ...changes, flags: { data: directory, ...changes.flags } })
}

function writeYaml(text: string): void {
  writeFileSync(join(directory, 'pawl.yaml'), text)
}

describe('where a setting comes from', () => {
  it('is the default where nobody said anything', () => {
    const { settings, origins } = read()
    assert.equal(settings.port, 7295)
    assert.equal(origins.has('port'), false)
  })

  it('is pawl.yaml before the default', () => {
    writeYaml('port: 1001\n')
    assert.equal(read().settings.port, 1001)
  })

  it('is the environment before pawl.yaml', () => {
    writeYaml('port: 1001\n')
    const { settings, origins } = read({ environment: { PAWL_PORT: '1002' } })
    assert.equal(settings.port, 1002)
    assert.equal(origins.get('port'), 'PAWL_PORT')
  })

  it('is the flag before everything', () => {
    writeYaml('port: 1001\n')
    const { settings, origins } = read({ environment: { PAWL_PORT: '1002' }, flags: { port: '1003' } })
    assert.equal(settings.port, 1003)
    assert.equal(origins.get('port'), '--port')
  })

  it('is the file PAWL_NAME_FILE names, without its last line end', () => {
    const path = join(directory, 'host')
    writeFileSync(path, '::1\n')
    assert.equal(read({ environment: { PAWL_HOST_FILE: path } }).settings.host, '::1')
  })

  it('is the named configuration file instead of the one in the data directory', () => {
    writeYaml('port: 1001\n')
    const path = join(directory, 'other.yaml')
    writeFileSync(path, 'port: 1004\n')
    assert.equal(read({ configFile: path }).settings.port, 1004)
    assert.equal(read({ environment: { PAWL_CONFIG: path } }).settings.port, 1004)
  })

  it('reads a flag without a value, true and YAML alike', () => {
    assert.equal(read({ flags: { allowLosingRotations: true } }).settings.allowLosingRotations, true)
    const environment = { PAWL_ALLOW_LOSING_ROTATIONS: 'true' }
    assert.equal(read({ environment }).settings.allowLosingRotations, true)
    writeYaml('allowLosingRotations: true\n')
    assert.equal(read().settings.allowLosingRotations, true)
    assert.equal(read({ environment: { PAWL_ALLOW_LOSING_ROTATIONS: 'false' } }).settings.allowLosingRotations, false)
  })

  it('reads lists from repeated flags, commas and YAML alike', () => {
    const proxies = ['10.0.0.0/8', '::1']
    assert.deepEqual(read({ flags: { trustedProxies: proxies } }).settings.trustedProxies, proxies)
    const environment = { PAWL_TRUSTED_PROXIES: '10.0.0.0/8, ::1' }
    assert.deepEqual(read({ environment }).settings.trustedProxies, proxies)
    writeYaml('trustedProxies: [10.0.0.0/8, "::1"]\n')
    assert.deepEqual(read().settings.trustedProxies, proxies)
  })
})

describe('what is refused', () => {
  const refusals: readonly (readonly [string, Partial<ConfigSources>, RegExp])[] = [
    ['a port that is no number', { flags: { port: 'abc' } }, /^--port is refused/],
    ['a port that is too high', { environment: { PAWL_PORT: '65536' } }, /^PAWL_PORT is refused/],
    ['a level that does not exist', { flags: { logLevel: 'loud' } }, /^--log-level is refused/],
    [
      'a variable and its file at once',
      { environment: { PAWL_HOST: 'a', PAWL_HOST_FILE: '/b' } },
      /both set: keep one/,
    ],
    [
      'a value file that is not there',
      { environment: { PAWL_HOST_FILE: '/nowhere' } },
      /PAWL_HOST_FILE\) cannot be read/,
    ],
    ['a configuration file that is not there', { configFile: '/nowhere.yaml' }, /cannot be read/],
    ['a store that is none of ours', { flags: { store: 'mysql://x' } }, /sqlite:PATH/],
    ['a database without a name', { flags: { store: 'postgres://x' } }, /names no database/],
    ['a word where true or false belongs', { environment: { PAWL_ALLOW_LOSING_ROTATIONS: 'no' } }, /is refused/],
    ['no worker at all', { flags: { workers: '0' } }, /^--workers is refused/],
  ]
  for (const [what, sources, sentence] of refusals) {
    it(what, () => {
      assert.throws(() => read(sources), { name: 'ConfigRefused', message: sentence })
    })
  }

  const files: readonly (readonly [string, string, RegExp])[] = [
    ['a key nobody knows', 'prot: 1\n', /sets prot, which Pawl does not know/],
    ['a key in another spelling, with a hint', 'admin-port: 1\n', /Did you mean adminPort/],
    ['the data directory in a file that was found there', 'data: /x\n', /use --data instead/],
    ['a file that is no YAML', 'port: [1\n', /not valid YAML/],
    ['a file that is a list', '- port\n', /list of names and values/],
    ['aliases, which can grow without end', 'host: &a x\nissuer: *a\n', /not valid YAML/],
    ['a file that is too large', `#${' '.repeat(configFileBytesMax)}\n`, /larger than/],
  ]
  for (const [what, text, sentence] of files) {
    it(what, () => {
      writeYaml(text)
      assert.throws(() => read(), { name: 'ConfigRefused', message: sentence })
    })
  }

  it('says every mistake at once', () => {
    assert.throws(() => read({ flags: { port: 'x', drainSeconds: 'y' } }), { message: /--port[^\n]*\n--drain-seconds/ })
  })
})

describe('a password of the database', () => {
  const store = 'postgres://pawl:h0rse@db.example/pawl'

  it('is refused on the command line in production, and warned of in development, never quoted', () => {
    const refused = (): unknown => read({ flags: { store, issuer: 'https://login.example.com' } })
    assert.throws(refused, { name: 'ConfigRefused', message: /^The password in --store (?!.*h0rse)/ })
    const { warnings, settings } = read({ flags: { store } })
    assert.equal(settings.store, store)
    assert.match(warnings.join(), /^The password in --store (?!.*h0rse)/)
  })

  it('is taken from the environment, from a file and from pawl.yaml', () => {
    const issuer = 'https://login.example.com'
    const path = join(directory, 'url')
    writeFileSync(path, `${store}\n`)
    for (const environment of [{ PAWL_STORE: store }, { PAWL_STORE_FILE: path }]) {
      const { settings, warnings } = read({ environment, flags: { issuer } })
      assert.deepEqual([settings.store, warnings], [store, []])
    }
    writeYaml(`store: ${store}\n`)
    assert.equal(read({ flags: { issuer } }).settings.store, store)
  })
})

describe('the schema', () => {
  it('names, measures and describes every setting', () => {
    for (const name of settingNames) {
      const { unit, description } = settingMeaning(name)
      assert.match(unit, /^\S/, name)
      assert.match(description, /\.$/, name)
      assert.match(flagOf(name), /^--[a-z-]+$/)
      assert.match(environmentNameOf(name), /^PAWL_[A-Z_]+$/)
    }
  })

  it('has a default for everything, and is published with all of them', () => {
    const published = settingsJsonSchema()['properties'] as { readonly [name: string]: { readonly default: unknown } }
    assert.deepEqual(
      Object.fromEntries(Object.entries(published).map(([name, schema]) => [name, schema.default])),
      settingsSchema.parse({}),
    )
  })

  it('warns of a variable that nobody reads', () => {
    const { warnings } = read({ environment: { PAWL_PROT: '1', PAWL_MASTER_KEY: 'x', PAWL_MASTER_KEY_FILE: 'y' } })
    assert.deepEqual(warnings, ['PAWL_PROT is set, but Pawl does not know it.'])
  })
})
