/**
 * The bare limit on PostgreSQL, for orientation: what `rotation.ts` does, and the rows of all steps that wait moved by one
 * `UPDATE … FROM unnest()` with two of them in flight. `node limit-pg.ts URL` serves the database of `seedLimitPg`.
 */

import { Pool } from 'pg'
import { serveInProcesses } from '../processes.ts'
import { limitServer, type Step } from './rotation.ts'
import { readSecretsPg } from './seed-pg.ts'

const inFlightMax = 2

const moveText = `UPDATE families AS f SET generation = f.generation + 1, rotated_at_ms = $3
FROM unnest($1::bytea[], $2::int[]) AS s (id, generation) WHERE f.id = s.id AND f.generation = s.generation
RETURNING f.id`

/** Steps that arrive while the batches before them are under way are written together; each is answered after its commit. */
function batches(pool: Pool, fail: (error: unknown) => void): (step: Step) => void {
  let gathered: Step[] = []
  let inFlight = 0
  const write = async (): Promise<void> => {
    // A batch holds at most one step of a family: the rest waits, and then finds that the row has moved.
    const batch = new Map(gathered.toReversed().map(step => [Buffer.from(step.id).toString('hex'), step]))
    const steps = [...batch.values()]
    const taken = new Set(steps)
    gathered = gathered.filter(step => !taken.has(step))
    inFlight++
    const { rows } = await pool.query<{ id: Buffer }>({
      name: 'move',
      text: moveText,
      values: [steps.map(step => step.id), steps.map(step => step.generation), Date.now()],
    })
    inFlight--
    const moved = new Set(rows.map(row => row.id.toString('hex')))
    for (const [id, step] of batch) step.settle(moved.has(id))
    next()
  }
  const next = (): void => {
    if (gathered.length > 0 && inFlight < inFlightMax) write().catch(fail)
  }
  return step => {
    if (gathered.push(step) === 1) setImmediate(next)
  }
}

if (import.meta.main) {
  await serveInProcesses(async () => {
    const pool = new Pool({ connectionString: process.argv[2], max: inFlightMax })
    // A rotation whose outcome is unknown ends the program: the bench measures nothing that failed.
    const fail = (error: unknown): void => {
      console.error(error)
      process.exit(1)
    }
    pool.on('error', fail)
    return { server: limitServer(await readSecretsPg(pool), batches(pool, fail)), close: () => pool.end() }
  })
}
