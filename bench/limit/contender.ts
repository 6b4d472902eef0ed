import { fileURLToPath } from 'node:url'
import { type Contender, startServer } from '../contender.ts'
import { limitFile } from './limit.ts'
import { seedLimit } from './seed.ts'

export const limit: Contender = {
  name: 'limit',
  start: async (directory, families) => {
    const tokens = seedLimit(directory, families)
    const server = await startServer(directory, [fileURLToPath(new URL('limit.ts', import.meta.url)), directory], {})
    return { name: 'limit', ...server, tokens, authorization: null, databaseFile: limitFile(directory) }
  },
}
