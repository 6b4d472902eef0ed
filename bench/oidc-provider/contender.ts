import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  basicAuthorization,
  clusterOf,
  type Contender,
  type Ground,
  type Place,
  type Running,
  launchServer,
} from '../contender.ts'
import type { Committing } from '../group-commit.ts'
import type { ContenderName } from '../names.ts'
import { createDatabase } from '../postgres/cluster.ts'
import { createTables, openPgAdapter } from './adapter-pg.ts'
import { type AdapterDatabase, openAdapterDatabase } from './adapter.ts'
import type { ProviderSecrets } from './provider.ts'

/** Families that are seeded at the same time, so that they share commits. */
const seededTogether = 200

const script = fileURLToPath(new URL('server.ts', import.meta.url))
const endpoints = {
  token: '/token',
  refreshParameters: '',
  introspect: '/token/introspection',
  revoke: '/token/revocation',
}

export function oidcProvider(name: ContenderName, committing: Committing): Contender {
  return {
    name,
    store: 'sqlite',
    start: ground => {
      const file = join(ground.directory, 'oidc-provider.sqlite')
      const database = openAdapterDatabase(file, 'together')
      return start(name, ground, { database, place: { kind: 'sqlite', file }, env: { BENCH_COMMITTING: committing } })
    },
  }
}

export function oidcProviderPg(name: ContenderName, processes: number): Contender {
  return {
    name,
    store: 'postgres',
    start: async ground => {
      const url = await createDatabase(clusterOf(ground), name)
      await createTables(url)
      const env = { BENCH_PROCESSES: String(processes) }
      return start(name, ground, { database: openPgAdapter(url), place: { kind: 'postgres', url }, env })
    },
  }
}

interface Setting {
  /** For the seeding; closed afterwards. */
  readonly database: AdapterDatabase
  readonly place: Place
  readonly env: NodeJS.ProcessEnv
}

async function start(name: ContenderName, ground: Ground, setting: Setting): Promise<Running> {
  if (ground.idle > 0) throw new Error(`${name} has no way to write families in bulk`)
  const { place } = setting
  const secrets = {
    clientId: 'bench',
    clientSecret: randomBytes(32).toString('base64url'),
    signingKey: JSON.stringify(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })),
  }
  const seeded = await seed(setting.database, secrets, ground)
  await setting.database.close()
  const server = await launchServer(ground, [script, place.kind === 'sqlite' ? place.file : place.url], {
    BENCH_CLIENT_ID: secrets.clientId,
    BENCH_CLIENT_SECRET: secrets.clientSecret,
    BENCH_SIGNING_KEY: secrets.signingKey,
    ...setting.env,
  })
  const authorization = basicAuthorization(secrets.clientId, secrets.clientSecret)
  return { name, ...server, ...seeded, authorization, endpoints, verifyingKey: '/jwks', place }
}

async function seed(
  database: AdapterDatabase,
  secrets: ProviderSecrets,
  ground: Ground,
): Promise<Pick<Running, 'tokens' | 'codes'>> {
  // Loaded only here: the package prints a warning about the runtime to whoever loads it.
  const { createProvider, seedCode, seedRefreshToken } = await import('./provider.ts')
  const provider = createProvider(database, secrets)
  const many = async (count: number, one: typeof seedCode): Promise<string[]> => {
    const made: string[] = []
    while (made.length < count) {
      const from = made.length
      const together = Math.min(seededTogether, count - from)
      const next = Array.from({ length: together }, (_, at) => one(provider, secrets.clientId, `user-${from + at}`))
      made.push(...(await Promise.all(next)))
    }
    return made
  }
  return { tokens: await many(ground.families, seedRefreshToken), codes: await many(ground.codes, seedCode) }
}
