import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { basicAuthorization, type Contender, type ContenderName, startServer } from '../contender.ts'
import { type Committing, openAdapterDatabase } from './adapter.ts'
import type { ProviderSecrets } from './provider.ts'

/** Families that are seeded at the same time, so that they share commits. */
const seededTogether = 200

export const oidcProvider = contender('oidc-provider', 'together')
export const oidcProviderPlain = contender('oidc-provider-plain', 'alone')

function contender(name: ContenderName, committing: Committing): Contender {
  return {
    name,
    start: async (directory, families) => {
      const databaseFile = join(directory, 'oidc-provider.sqlite')
      const secrets = { clientId: 'bench', clientSecret: randomBytes(32).toString('base64url') }
      const tokens = await seed(databaseFile, secrets, families)
      const script = fileURLToPath(new URL('server.ts', import.meta.url))
      const server = await startServer(directory, [script, databaseFile], {
        BENCH_CLIENT_ID: secrets.clientId,
        BENCH_CLIENT_SECRET: secrets.clientSecret,
        BENCH_COMMITTING: committing,
      })
      const authorization = basicAuthorization(secrets.clientId, secrets.clientSecret)
      return { name, ...server, tokens, authorization, databaseFile }
    },
  }
}

async function seed(databaseFile: string, secrets: ProviderSecrets, families: number): Promise<string[]> {
  const database = openAdapterDatabase(databaseFile, 'together')
  // Loaded only here: the package prints a warning about the runtime to whoever loads it.
  const { createProvider, seedRefreshToken } = await import('./provider.ts')
  const provider = createProvider(database, secrets)
  const tokens: string[] = []
  while (tokens.length < families) {
    const from = tokens.length
    const together = Math.min(seededTogether, families - from)
    const made = Array.from({ length: together }, (_, at) =>
      seedRefreshToken(provider, secrets.clientId, `user-${from + at}`),
    )
    tokens.push(...(await Promise.all(made)))
  }
  database.close()
  return tokens
}
