/**
 * `node bench/verify.ts`: what an API pays for a request with `@pawl/verifier`, beside `jose.jwtVerify` alone. Both have
 * the key at hand; the guard also reads the header of the request, looks into what the feed has told it was revoked, and
 * says who calls. Laps are ridden in turn, and each round has a ratio of its own. The aim: 1.15.
 */

import { generateKeyPairSync } from 'node:crypto'
import { clientSecret, guardApi, machineWorld, type Presented, type World } from '@pawl/verifier'
import { createRemoteJWKSet, customFetch, type FetchImplementation, jwtVerify } from 'jose'
import { accessTokenSigner } from './es256.ts'
import { describeMachine } from './measure/machine.ts'
import { median } from './measure/statistics.ts'
import { type Options, parseOptions } from './options.ts'
import { machineLines, publish, table } from './report.ts'

/** Microseconds of each verification; a server has many under way, so there are laps with some at a time. */
interface LapFigures {
  readonly who: Who
  readonly atOnce: number
  readonly round: number
  readonly micros: number
  readonly cpuMicros: number
}

interface Compared {
  readonly who: Who
  readonly atOnce: number
  readonly micros: number
  readonly cpuMicros: number
  /** To `jose` in the same round, then the median. */
  readonly ratio: number
  readonly cpuRatio: number
}

type Who = 'jose' | 'guard' | 'guard of a Request'

const issuer = 'https://id.example'
const audience = 'https://api.example'
const defaults = {
  only: [],
  connections: [1, 16],
  seconds: 0.5,
  warmUpSeconds: 0.5,
  settleSeconds: 1,
  rounds: 21,
  families: [100_000],
  flushes: [],
} as const
const quick = { seconds: 0.05, warmUpSeconds: 0.05, rounds: 3, families: [1000] }

const options = parseOptions(process.argv.slice(2), defaults, quick)
const machine = describeMachine(options.directory)
const revoked = Math.max(...options.families)
const contenders = await openContenders(revoked)
const laps: LapFigures[] = []
for (const verify of contenders.values()) await ride(verify, 1, options.warmUpSeconds)
for (const atOnce of options.connections) {
  for (let round = 1; round <= options.rounds; round++) {
    for (const [who, verify] of contenders) {
      laps.push({ who, atOnce, round, ...(await ride(verify, atOnce, options.seconds)) })
    }
  }
}
const compared = comparisons(laps, options)
publish(options, { kind: 'verify', machine, options, revoked, compared, laps }, [
  machineLines(machine),
  `${revoked} families are known to be revoked\n`,
  table(
    ['at once', 'who', 'µs each', 'CPU µs each', 'ratio', 'CPU ratio'],
    compared.map(row => [
      String(row.atOnce),
      row.who,
      row.micros.toFixed(1),
      row.cpuMicros.toFixed(1),
      row.ratio.toFixed(3),
      row.cpuRatio.toFixed(3),
    ]),
  ),
])

/** Each a function that resolves after one good verification, and rejects where the token is refused. */
async function openContenders(families: number): Promise<Map<Who, () => Promise<void>>> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'ES256', use: 'sig' }] }
  const token = tokenOf(accessTokenSigner(privateKey, 'k1'))
  const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`), {
    [customFetch]: (async () => Response.json(jwks)) satisfies FetchImplementation,
    cooldownDuration: 600_000,
    cacheMaxAge: 3_600_000,
  })
  const guard = guardApi({
    issuer,
    audience,
    credentials: clientSecret('api', 'secret'),
    follow: 'feed',
    world: worldOf(jwks, families),
  })
  const authorization = `Bearer ${token}`
  const presented: Presented = { method: 'GET', url: '/files', authorization, dpop: null }
  const request = new Request(`${audience}/files`, { headers: { authorization } })
  const expected = { issuer, audience, typ: 'at+jwt', algorithms: ['ES256'] }
  const granted = async (asked: Request | Presented): Promise<void> => {
    const verdict = await guard.verify(asked, { scopes: ['files.read'] })
    if (!verdict.granted) throw new Error(verdict.reason)
  }
  return new Map<Who, () => Promise<void>>([
    ['jose', async () => void (await jwtVerify(token, keys, expected))],
    ['guard', () => granted(presented)],
    ['guard of a Request', () => granted(request)],
  ])
}

/** What Pawl puts into an access token. */
function tokenOf(sign: (claims: object) => string): string {
  const iat = Math.floor(Date.now() / 1000)
  return sign({
    iss: issuer,
    sub: 'usr_01jq2m3n4p5q6r7s8t9v0w1x2y',
    aud: audience,
    client_id: 'shop',
    exp: iat + 3600,
    iat,
    jti: 'a'.repeat(22),
    scope: 'openid email files.read files.write',
    auth_time: iat,
    acr: 'urn:pawl:acr:pwd',
    amr: ['pwd'],
    pawl: { fam: 'b'.repeat(23), opened_ms: iat * 1000, auth_ms: iat * 1000 },
  })
}

/** A server that never leaves this process: its metadata, its keys, and a feed that tells everything in one answer. */
function worldOf(jwks: object, families: number): World {
  let hasTold = false
  const told = (): Response => {
    hasTold = true
    const untilMs = Date.now() + 3_600_000
    const entries = Array.from({ length: families }, (_, at) => {
      const fam = Buffer.from(`family ${String(at).padStart(10, '0')}`)
        .toString('base64url')
        .slice(0, 23)
      return { kind: 'family', fam: `${fam}${at}`, until_ms: untilMs }
    })
    return Response.json({ cursor: 'c', entries, more: false, as_of_ms: Date.now(), age_ms: 0, reset: true })
  }
  return {
    ...machineWorld,
    fetch: request => {
      const { pathname } = new URL(request.url)
      if (pathname === '/jwks') return Promise.resolve(Response.json(jwks))
      if (pathname === '/feed') return hasTold ? new Promise(() => undefined) : Promise.resolve(told())
      const endpoints = { jwks_uri: `${issuer}/jwks`, pawl_revocation_feed_endpoint: `${issuer}/feed` }
      return Promise.resolve(Response.json({ issuer, ...endpoints }))
    },
  }
}

async function ride(
  verify: () => Promise<void>,
  atOnce: number,
  seconds: number,
): Promise<Pick<LapFigures, 'micros' | 'cpuMicros'>> {
  const cpu = process.cpuUsage()
  const fromMs = performance.now()
  let verified = 0
  const lane = async (): Promise<void> => {
    while (performance.now() - fromMs < seconds * 1000) {
      await verify()
      verified += 1
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  const elapsedMs = performance.now() - fromMs
  const used = process.cpuUsage(cpu)
  return { micros: (elapsedMs * 1000) / verified, cpuMicros: (used.user + used.system) / verified }
}

function comparisons(all: readonly LapFigures[], { connections }: Options): Compared[] {
  return connections.flatMap(atOnce =>
    [...contenders.keys()].map(who => {
      const own = all.filter(lap => lap.who === who && lap.atOnce === atOnce)
      const others = all.filter(lap => lap.who === 'jose' && lap.atOnce === atOnce)
      const ratioOf = (value: (lap: LapFigures) => number): number =>
        median(own.map((lap, at) => value(lap) / value(others[at] ?? lap)))
      return {
        who,
        atOnce,
        micros: median(own.map(lap => lap.micros)),
        cpuMicros: median(own.map(lap => lap.cpuMicros)),
        ratio: ratioOf(lap => lap.micros),
        cpuRatio: ratioOf(lap => lap.cpuMicros),
      }
    }),
  )
}
