/**
 * The two verbs the whole product stands on, in SQL. A step writes `step_id` and `state` where the row still carries the
 * step id that was read; the binding once, with generation 1; the end once. Nothing else of a family ever changes.
 */

import type { Family, GrantId } from '@pawl/family'
import type {
  BranchCount,
  FamilyFilter,
  FamilyReading,
  FamilyStep,
  FamilyStore,
} from '../../domain/family/family-store.ts'
import type { Mark } from '../../domain/mark/mark-store.ts'
import { cutOffStatements, refuseFuture } from './cut-offs.ts'
import { eventStatements } from './events.ts'
import { bindingText, familyColumns, familyValues, packState } from './family-row.ts'
import { isLiving, readingOf, scanFamilies, selectReadings, type Where } from './family-scan.ts'
import { isMarked, markIdOf, markStatement, unlessMarked } from './marks.ts'
import { numberAt, type Sql, type Statement, type Unit, type Value } from './sql.ts'
import { type StoreClock, touchText } from './store-clock.ts'
import { revokedFamily } from './revocation-statements.ts'
import type { Sweeper } from './sweep.ts'

export function sqlFamilies(sql: Sql, clock: StoreClock, sweeper: Sweeper): FamilyStore {
  return {
    read: async id => {
      const rows = await sql.read({ text: familyReadText, params: [id] })
      const row = rows[0]
      return row === undefined ? null : readingOf(row, clock)
    },
    isGone: async id => {
      const guard = { text: goneText, params: [id] }
      return (await sql.write({ about: null, guard, statements: [] })) === 'done'
    },
    open: async (family, events) => {
      const guard = openStatement(family)
      const outcome = await sql.write({ about: family.id, guard, statements: eventStatements(events), mark: family })
      if (outcome === 'done') sweeper.opened()
      return outcome
    },
    commit: async step => {
      for (const cutOff of step.cutOffs) await refuseFuture(sql, clock, cutOff)
      const mark = step.mark ?? null
      const unit = unitOf(step, clock)
      const outcome = await (mark === null ? sql.write(unit) : writeMarked(sql, unit, mark))
      if (outcome === 'done') sweeper.stepped()
      if (outcome === 'done' && (step.opens ?? null) !== null) sweeper.opened()
      return outcome
    },
    list: async (filter, limit) => {
      const found: FamilyReading[] = []
      if (limit < 1) return found
      for await (const reading of scanFamilies(sql, clock, whereOf(filter), filter.after ?? null)) {
        if (filter.livingOnly === true && !isLiving(reading)) continue
        found.push(reading)
        if (found.length === limit) break
      }
      return found
    },
    countLiving: async (subject, clientId) => {
      const grants = new Set<GrantId>()
      const where = whereOf({ subject, clientId })
      for await (const { family } of livingFamilies(sql, clock, where)) grants.add(family.grant.id)
      return grants.size
    },
    countBranches: grantId => countBranches(sql, clock, grantId),
  }
}

async function writeMarked(
  sql: Sql,
  { guard, statements, ...plain }: Step,
  mark: Mark,
): Promise<'done' | 'moved' | 'marked'> {
  const markId = markIdOf(mark)
  const taking = [markStatement(markId, mark.expiresAtMs), ...statements]
  const outcome = await sql.write({ ...plain, guard: unlessMarked(guard, markId), statements: taking })
  return outcome === 'moved' && (await isMarked(sql, markId)) ? 'marked' : outcome
}

async function countBranches(sql: Sql, clock: StoreClock, grantId: GrantId): Promise<BranchCount> {
  const params = [grantId]
  let living = 0
  const where = { text: 'f.grant_id = $1 AND f.grant_id <> f.id AND f.ended_ms IS NULL', params }
  for await (const _ of livingFamilies(sql, clock, where)) living += 1
  const [counted = []] = await sql.read({ text: branchesText, params })
  return { living, kept: numberAt(counted, 0) }
}

const branchesText = 'SELECT COUNT(*) FROM families WHERE grant_id = $1 AND grant_id <> id'

async function* livingFamilies(sql: Sql, clock: StoreClock, where: Where): AsyncGenerator<FamilyReading> {
  for await (const reading of scanFamilies(sql, clock, where, null)) if (isLiving(reading)) yield reading
}

/** Changes no row where a family of this id is there. */
export function openStatement(family: Family): Statement {
  return { text: openText, params: familyValues(family) }
}

/** Ends with the key, which is its first column too: an engine may ask for many families at once. */
export const familyReadText = `${selectReadings} AND f.id = $1`

const goneText = `${touchText} AND NOT EXISTS (SELECT 1 FROM families WHERE id = $1)`

const openText = `INSERT INTO families (${familyColumns.join(', ')})
VALUES (${familyColumns.map((_, at) => `$${at + 1}`).join(', ')}) ON CONFLICT DO NOTHING`

/** The step of a plain rotation. An engine may take many of them in one statement. */
export const familyMoveText = 'UPDATE families SET step_id = $1, state = $2 WHERE id = $3 AND step_id = $4'
const bindText = 'UPDATE families SET step_id = $1, state = $2, binding = $5 WHERE id = $3 AND step_id = $4'
const endText = `UPDATE families SET step_id = $1, state = $2, binding = $5, ended_ms = $6, end_reason = $7, end_by = $8
WHERE id = $3 AND step_id = $4`

type Step = Unit & { readonly guard: Statement }

function unitOf(step: FamilyStep, clock: StoreClock): Step {
  const { family } = step
  return { about: family.id, guard: stepStatement(step), statements: consequences(step, clock), mark: family }
}

/** The compare-and-set. The shortest statement that saves everything the step may have changed. */
function stepStatement({ family, readAt }: FamilyStep): Statement {
  const moves: Value[] = [family.stepId, packState(family), family.id, readAt]
  if (family.end !== null) {
    const { atMs, reason, by } = family.end
    return { text: endText, params: [...moves, bindingText(family.binding), atMs, reason, by] }
  }
  // The binding is fixed by the step that issues generation 1, and by no other (RFC 9449 §5).
  if (family.generation === 1 && family.binding !== null) {
    return { text: bindText, params: [...moves, bindingText(family.binding)] }
  }
  return { text: familyMoveText, params: moves }
}

function consequences(step: FamilyStep, clock: StoreClock): Statement[] {
  const opens = step.opens ?? null
  const { id, end } = step.family
  const ended = end === null ? [] : [revokedFamily(id, end.atMs, clock)]
  const cuts = step.cutOffs.flatMap(cutOff => cutOffStatements(cutOff, clock))
  const others = [...ended, ...cuts, ...eventStatements(step.events)]
  return opens === null ? others : [openStatement(opens), ...others]
}

function whereOf(filter: Pick<FamilyFilter, 'clientId' | 'subject' | 'sessionId'>): Where {
  const conditions: string[] = []
  const params: Value[] = []
  const also = (column: string, value: string | undefined) => {
    if (value === undefined) return
    params.push(value)
    conditions.push(`${column} = $${params.length}`)
  }
  also('f.subject', filter.subject)
  also('f.client_id', filter.clientId)
  also('f.session_id', filter.sessionId)
  return { text: conditions.join(' AND '), params }
}
