import { fileURLToPath } from 'node:url'
import { clusterOf, type Contender, launchServer, tokenOnly } from '../contender.ts'
import type { ContenderName } from '../names.ts'
import { createDatabase } from '../postgres/cluster.ts'
import { limitFile } from './limit.ts'
import { seedLimitPg } from './seed-pg.ts'
import { seedLimit } from './seed.ts'

const shape = { authorization: null, endpoints: tokenOnly, codes: [] }

export function limit(name: ContenderName, processes: number): Contender {
  return {
    name,
    store: 'sqlite',
    start: async ground => {
      const { directory, families, idle } = ground
      const { tokens, verifyingKey } = seedLimit(directory, families, idle)
      const script = fileURLToPath(new URL('limit.ts', import.meta.url))
      const server = await launchServer(ground, [script, directory], { BENCH_PROCESSES: String(processes) })
      return { name, ...shape, ...server, tokens, verifyingKey, place: { kind: 'sqlite', file: limitFile(directory) } }
    },
  }
}

export function limitPg(name: ContenderName, processes: number): Contender {
  return {
    name,
    store: 'postgres',
    start: async ground => {
      const url = await createDatabase(clusterOf(ground), name)
      const { tokens, verifyingKey } = await seedLimitPg(url, ground.families, ground.idle)
      const script = fileURLToPath(new URL('limit-pg.ts', import.meta.url))
      const server = await launchServer(ground, [script, url], { BENCH_PROCESSES: String(processes) })
      return { name, ...shape, ...server, tokens, verifyingKey, place: { kind: 'postgres', url } }
    },
  }
}
