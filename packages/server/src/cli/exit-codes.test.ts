import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { runHere } from './fixture.test.ts'

let home: string
let data: string

before(() => {
  home = mkdtempSync(join(tmpdir(), 'pawl-codes-'))
  data = join(home, 'data')
})

after(() => {
  rmSync(home, { recursive: true })
})

describe('exit codes', () => {
  const cases: readonly (readonly [number, string, readonly string[], RegExp])[] = [
    [0, 'help', ['--help'], /^$/],
    [0, 'the version', ['--version'], /^$/],
    [1, 'a client that is not there', ['client', 'show', 'nobody'], /no client "nobody"/],
    [1, 'an id nothing is on record for', ['explain', 'req_000000000000'], /Nothing is on record/],
    [2, 'no command', [], /Usage: pawl/],
    [2, 'an unknown command, with a hint', ['client', 'lst'], /Did you mean list/],
    [2, 'an unknown flag, with a hint', ['client', 'list', '--jsn'], /Did you mean --json/],
    [2, 'a flag without its value', ['client', 'list', '--data'], /argument missing/],
    [2, 'a missing argument', ['explain'], /missing required argument/],
    [2, 'a number that is none', ['families', 'list', '--limit', 'x'], /whole number/],
    [
      2,
      'what cannot be registered',
      ['client', 'add', 'a', '--kind', 'spa', '--redirect', 'http://x.example/'],
      /loopback/,
    ],
    [
      2,
      'spa with --refresh and --no-dpop',
      ['client', 'add', 'a', '--kind', 'spa', '--redirect', 'https://x.example/', '--refresh', '--no-dpop'],
      /bound to a key/,
    ],
    [
      2,
      'a key set that cannot be read',
      ['client', 'add', 'a', '--kind', 'web', '--jwks', 'f'],
      /key set f cannot be read/,
    ],
    [2, 'a password that is nowhere', ['user', 'add', 'a@example.com'], /--password-stdin/],
    [2, 'a revocation of nothing', ['revoke'], /Say what to revoke/],
    [3, 'a store of another kind', ['client', 'list', '--store', 'mysql://x'], /sqlite:PATH/],
    [3, 'a database without a name', ['client', 'list', '--store', 'postgres://x'], /names no database/],
    [3, 'a port that is none', ['serve', '--port', '99999'], /--port is refused/],
    [
      3,
      'production without a master key',
      ['serve', '--issuer', 'https://a.example', '--port', '0'],
      /master key of yours/,
    ],
    [3, 'production over http', ['serve', '--issuer', 'http://a.example', '--port', '0'], /http is for loopback/],
    [3, 'samples in production', ['dev', '--issuer', 'https://a.example', '--port', '0'], /pawl dev is for loopback/],
    [3, 'a proxy that is no address', ['serve', '--port', '0', '--trusted-proxy', 'all'], /no address or CIDR range/],
    [4, 'a story without a server', ['try'], /run npx pawl dev/],
    [6, 'an unconfirmed revocation', ['revoke', '--all'], /Nothing was changed/],
  ]
  for (const [expected, what, words, said] of cases) {
    it(`${expected} for ${what}`, async () => {
      const isGlobal = words.length === 0 || words[0]?.startsWith('--') === true
      const isDangling = words.at(-1) === '--data'
      const { exitCode, out, err } = await runHere(
        isGlobal || isDangling ? words : [...words, '--data', expected === 3 ? join(home, 'empty') : data],
      )
      assert.equal(exitCode, expected, err)
      assert.match(err, said)
      if (expected !== 0) assert.equal(out, '')
    })
  }
})
