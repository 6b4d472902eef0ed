/** Places of stores, written so that another process can open them. It loads what it opens and nothing else: many start. */

import type { CustodyView } from '../../packages/client/src/testing/custody-scene.ts'

export type RacePlace =
  | { readonly kind: 'file'; readonly directory: string }
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string }
  | { readonly kind: 'redis'; readonly port: number }

export async function openRaceStore(place: RacePlace): Promise<CustodyView> {
  switch (place.kind) {
    case 'file': {
      const { fileStore } = await import('@pawl/client/file')
      return { store: fileStore(place.directory), close: async () => {} }
    }
    case 'sqlite': {
      const { openSqliteStore } = await import('@pawl/client/sqlite')
      const store = await openSqliteStore(place.path)
      return { store, close: async () => store.close() }
    }
    case 'postgres': {
      const [{ Pool }, { postgresStore }] = await Promise.all([import('pg'), import('@pawl/client/postgres')])
      const pool = new Pool({ connectionString: place.url, max: 2 })
      return { store: postgresStore({ pool }), close: () => pool.end() }
    }
    case 'redis': {
      const { connectRedis } = await import('./redis-clients.ts')
      const { redisStore } = await import('@pawl/client/redis')
      const { port, close } = await connectRedis('ioredis', place.port)
      return { store: redisStore({ redis: port }), close }
    }
  }
}
