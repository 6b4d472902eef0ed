/**
 * What time tells. Time itself is told by every machine in its own way, so what is compared here is the work: the
 * questions to the store, the transactions, the HMACs, the hashes and the signatures that a caller waits for, counted by
 * the engine. Where these are the same, there is nothing for a clock to find. `bench/oracles.ts` measures the times too.
 */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { keyedHasher } from '../../packages/server/src/domain/keys/keyed-hash.ts'
import { codeOf } from '../../tools/code-of.ts'
import { repositoryFiles } from '../../tools/tidy.ts'
import { type Classes, classesOfSecrets, classesOfTokens, type Probe, send } from '../stage/oracles.ts'
import { openScene, type Scene, settle, shop } from '../stage/scene.ts'
import { assertionClaims, assertionFields, newSigner } from '../stage/signer.ts'
import { countWork, type Toll, tollOf } from '../stage/work.ts'

/** Each costs two microseconds or less; fifty are what no network carries. */
const hmacsApartMax = 2
/** Functions of ours, most of them of one line: a hundred are a few microseconds. */
const callsApartMax = 100

/** The toll of each class, the same for each of its members. */
async function tollsOf(test: TestContext, scene: Scene, classes: Classes): Promise<ReadonlyMap<string, Toll>> {
  const counter = await countWork()
  test.after(counter.stop)
  const tolls = new Map<string, Toll>()
  // What is kept from the first request to the next is there before anything is counted.
  for (const [first] of classes.values()) if (first !== undefined) await send(scene, first)
  for (const [name, probes] of classes) {
    for (const probe of probes) {
      await settle(scene.stage)
      const work = await counter.during(() => send(scene, probe))
      const toll = tollOf(work)
      assert.deepEqual(dearOf(toll), dearOf(tolls.get(name) ?? toll), `two of the class "${name}" are told apart`)
      tolls.set(name, toll)
    }
  }
  return tolls
}

/** All but the calls: how many turns a lane of the store takes is its own affair. */
function dearOf(toll: Toll): Toll {
  return { ...toll, calls: 0 }
}

function spread(tolls: ReadonlyMap<string, Toll>, what: keyof Toll): number {
  const counts = [...tolls.values()].map(toll => toll[what])
  return Math.max(...counts) - Math.min(...counts)
}

function assertNothingTold(tolls: ReadonlyMap<string, Toll>, hmacsApart: number): void {
  const told = JSON.stringify([...tolls], null, 1)
  for (const what of ['questions', 'transactions', 'passwordHashes', 'signatures'] as const) {
    assert.equal(spread(tolls, what), 0, `${what}: ${told}`)
  }
  assert.ok(spread(tolls, 'hmacs') <= hmacsApart, told)
  assert.ok(spread(tolls, 'calls') <= callsApartMax, told)
}

describe('the time of a refusal', () => {
  it('TM-01 tells no unknown, spent, revoked or foreign refresh token from another', async test => {
    const scene = await openScene(test, { client: shop })
    const tolls = await tollsOf(test, scene, await classesOfTokens(scene))
    assert.equal(tolls.size, 4)
    assertNothingTold(tolls, hmacsApartMax)
    const [{ questions, transactions, hmacs } = assert.fail('no class')] = tolls.values()
    assert.equal(questions, 2, 'the client and the family')
    assert.equal(transactions, 0, 'what a refusal leaves behind is written after it')
    assert.ok(hmacs >= 2, 'the secret and tag A')
  })

  it('TM-02 tells no unknown client from a wrong secret, however much of it is right', async test => {
    const scene = await openScene(test, { client: shop })
    const tolls = await tollsOf(test, scene, classesOfSecrets(scene))
    assert.equal(tolls.size, 4)
    assertNothingTold(tolls, 0)
    const [{ questions, hmacs } = assert.fail('no class')] = tolls.values()
    assert.equal(questions, 1)
    assert.equal(hmacs, 1, 'also where there is no client')
  })

  it('TM-02 tells no unknown client from one whose key did not sign, and none that goes by a secret from either', async test => {
    const signer = newSigner()
    const scene = await openScene(test, {
      client: { ...shop, auth: 'private_key_jwt', jwks: { keys: [signer.publicJwk] } },
    })
    await scene.stage.addClient({ ...shop, id: 'secretive' })
    const probe = async (clientId: string): Promise<Probe> => {
      const text = await newSigner('ES256', signer.kid).sign(assertionClaims(scene.stage, clientId))
      const fields = { grant_type: 'client_credentials', ...assertionFields(text) }
      return { fields, status: 401 }
    }
    const classes = new Map<string, readonly Probe[]>()
    for (const clientId of ['shop', 'nobody', 'secretive']) {
      classes.set(clientId, await Promise.all([probe(clientId), probe(clientId), probe(clientId)]))
    }
    const tolls = await tollsOf(test, scene, classes)
    assertNothingTold(tolls, 0)
    assert.ok((tolls.get('nobody')?.verifications ?? 0) > 0, 'also where there is no client')
    assert.equal(spread(tolls, 'verifications'), 0)
  })

  it('TM-01 is seen to differ where the work does: a refresh that is answered, and a token that is none', async test => {
    const scene = await openScene(test, { client: shop })
    const classes = await classesOfTokens(scene)
    const unknown = classes.get('unknown')?.[0] ?? assert.fail('no class')
    const [living] = classes.get('wrong client') ?? []
    const good = { ...unknown, fields: living?.fields ?? {}, status: 200 }
    const garbage = { ...unknown, fields: { ...unknown.fields, refresh_token: 'garbage' } }
    const tolls = await tollsOf(
      test,
      scene,
      new Map([
        ['none', [garbage]],
        ['good', [good]],
        ['unknown', [unknown]],
      ]),
    )
    const { none, good: answered } = Object.fromEntries(tolls)
    assert.equal(none?.questions, 1, 'what has no tag A never reaches the families')
    assert.equal(answered?.signatures, 2, 'an access token and an ID token')
    assert.ok((answered?.transactions ?? 0) >= 1)
    for (const what of ['questions', 'transactions', 'signatures'] as const) assert.notEqual(spread(tolls, what), 0)
  })
})

describe('a comparison', () => {
  it('TM-03 of what is secret, or a hash of it, is never left to ===', () => {
    const secret =
      /\b\w*(?:[sS]ecret|[hH]ash|[dD]igest|[tT]ag[AB]?|[sS]eed|[pP]assword|csrf)\)?\s*[!=]==\s*(?<other>[^\s;)]+)/g
    // `current` is the hash of a secret that was just proven, and a literal stands in the source: blanked, it leaves the
    // operator behind it. Neither leaves anything to find out.
    const harmless = /^(?:(?:null|undefined|current|server\.hasher\.dummyHash)\b|\|\||&&|\?)/
    const sources = repositoryFiles(join(import.meta.dirname, '../..')).filter(({ path }) =>
      /^packages\/server\/src\/.*(?<!\.test)\.ts$/.test(path),
    )
    assert.ok(sources.length > 100)
    const found = sources.flatMap(({ path, text }) =>
      [...codeOf(text).matchAll(secret)]
        .filter(match => !harmless.test(match.groups?.['other'] ?? ''))
        .map(match => `${path}: ${match[0]}`),
    )
    assert.deepEqual(found, [])
    const constant = sources.filter(({ text }) => text.includes('timingSafeEqual(')).map(({ path }) => path)
    for (const home of ['domain/keys/keyed-hash', 'domain/token/codec', 'oauth/grants/authorization-code']) {
      assert.ok(constant.includes(`packages/server/src/${home}.ts`), home)
    }
  })

  it('TM-04 by a prefix leads nowhere: what is looked up is a keyed hash, which one bit turns over', async test => {
    const scene = await openScene(test)
    const hasher = keyedHasher(scene.stage.keys, scene.stage.entropy)
    const { secret, hash } = hasher.newSecret('session')
    const near = secret.slice(0, -1) + (secret.endsWith('A') ? 'B' : 'A')
    const other = hasher.hashOf('session', near)
    assert.ok(other !== null)
    const [one, two] = [hash, other].map(text => Buffer.from(text, 'base64url').subarray(1))
    const differing = [...(one ?? [])].filter((byte, at) => byte !== two?.[at]).length
    assert.ok(differing >= 24, `${differing} of 32 bytes differ`)
    assert.notDeepEqual(one?.subarray(0, 4), two?.subarray(0, 4))
    assert.ok(!hash.includes(secret.slice(2, 8)))
  })
})
