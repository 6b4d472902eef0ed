/**
 * How an engine goes about a statement: which statements would walk through a table that grows, in place of going to their
 * rows by an index. Asked of an empty database, because a plan that is made on the first day may be kept, and of one that
 * is not. Not a test itself.
 */

import { DatabaseSync } from 'node:sqlite'
import { Client } from 'pg'
import { planSettings } from '../postgres/connect.ts'

/** Of each table, in the database that is not empty. */
export const plannedRows = 10_000

/** Tables of a few rows, whatever happens. */
const small = new Set([
  'store_clock',
  'counters',
  'settings',
  'signing_keys',
  'schema_version',
  'schema_lease',
  'sqlite_schema',
])

/** Statements that pass over rows on the way to theirs, and why those are few. */
const passingOver: readonly RegExp[] = [
  // Cut-offs are kept 400 days; those with a moment before that are the ones an operator dated back.
  /^DELETE FROM cut_offs WHERE \(kind, target_key\) IN/,
  // Marks are walked, so many at a time: the range is that part, or what is left of the table.
  /^DELETE FROM marks WHERE id > /,
  // Events of the last minute: lists of status are made anew every few seconds.
  /^SELECT s\.idx, e\.at_ms FROM events e, status_entries s/,
]

/** A sentence for each statement that walks. */
export async function postgresWalks(url: string, texts: readonly string[]): Promise<readonly string[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(planSettings)
    const planned = texts.filter(isPlanned)
    for (const [at, text] of planned.entries()) await client.query(`PREPARE statement_${at} AS ${text}`)
    const atFirst = await walksOf(client, planned, 'empty')
    await fill(client)
    return [...atFirst, ...(await walksOf(client, planned, 'with rows'))]
  } finally {
    await client.end()
  }
}

function isPlanned(text: string): boolean {
  return /^(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b/.test(text) && !passingOver.some(pattern => pattern.test(text))
}

interface Node {
  readonly 'Node Type': string
  readonly 'Parent Relationship'?: string
  readonly 'Relation Name'?: string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly Filter?: string
  readonly Plans?: readonly Node[]
}

async function walksOf(client: Client, texts: readonly string[], when: string): Promise<readonly string[]> {
  const walks: string[] = []
  for (const [at, text] of texts.entries()) {
    const nulls = Array.from({ length: parametersIn(text) }, () => 'NULL').join(', ')
    const given = nulls === '' ? '' : `(${nulls})`
    const { rows } = await client.query<[[{ readonly Plan: Node }]]>({
      text: `EXPLAIN (FORMAT JSON) EXECUTE statement_${at}${given}`,
      rowMode: 'array',
    })
    const plan = rows[0]?.[0][0].Plan
    if (plan === undefined) throw new Error(`no plan for ${text}`)
    walks.push(...walksIn(plan, false).map(walk => `${when}: ${walk}: ${text}`))
  }
  return walks
}

function parametersIn(text: string): number {
  return Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number)))
}

/** `isLimited`: no more rows are asked of it than somebody above takes. */
function walksIn(node: Node, isLimited: boolean): readonly string[] {
  const type = node['Node Type']
  const below = type === 'Limit' || (isLimited && passesOn.has(type))
  const plans = node.Plans ?? []
  // What is looked up for each row of the outer one is looked up once where that has one.
  const isOnce = plans.some(plan => plan['Parent Relationship'] === 'Outer' && small.has(plan['Relation Name'] ?? ''))
  const isMain = (plan: Node): boolean => {
    const relation = plan['Parent Relationship']
    return relation === 'Outer' || relation === 'Subquery' || (relation === 'Inner' && isOnce)
  }
  const walks = plans.flatMap(plan => walksIn(plan, below && isMain(plan)))
  return isWalk(node, isLimited) ? [`${type} of ${node['Index Name'] ?? node['Relation Name'] ?? ''}`, ...walks] : walks
}

/** What asks below for no more than is asked of it. */
const passesOn = new Set(['Nested Loop', 'Subquery Scan', 'Result', 'Incremental Sort', 'Index Scan', 'ProjectSet'])

function isWalk(node: Node, isLimited: boolean): boolean {
  const type = node['Node Type']
  // An index that is read into a bitmap names itself alone.
  const table = node['Relation Name'] ?? node['Index Name']?.replace(/_pkey$/, '') ?? ''
  if (!type.endsWith('Scan') || small.has(table) || table.startsWith('pg_')) return false
  if (type === 'Seq Scan') return true
  if (!['Index Scan', 'Index Only Scan', 'Bitmap Index Scan'].includes(type)) return false
  if (/(?<![<>!])= /.test(node['Index Cond'] ?? '')) return false
  return !isLimited || node.Filter !== undefined
}

/** Texts that are the same in many rows. */
const repeating = new Set(['kind', 'state', 'decision', 'channel', 'reason', 'end_reason', 'algorithm'])
/** How many families have the same. */
const familiesWithSame: { readonly [column: string]: number } = {
  client_id: 500,
  subject: 10,
  session_id: 3,
  grant_id: 2,
}

async function fill(client: Client): Promise<void> {
  const { rows } = await client.query<{ table: string; column: string; type: string; nullable: string }>(
    `SELECT table_name AS table, column_name AS column, data_type AS type, is_nullable AS nullable
FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`,
  )
  const tables = Map.groupBy(rows, ({ table }) => table)
  for (const [table, columns] of tables) {
    if (small.has(table)) continue
    const names = columns.map(({ column }) => column).join(', ')
    const values = columns.map(({ column, type, nullable }) =>
      valueOf(table, column, { type, isNullable: nullable === 'YES' }),
    )
    await client.query(
      `INSERT INTO ${table} (${names}) SELECT ${values.join(', ')} FROM generate_series(1, ${plannedRows}) AS n`,
    )
  }
  await client.query('ANALYZE')
}

function valueOf(
  table: string,
  column: string,
  { type, isNullable }: { readonly type: string; readonly isNullable: boolean },
): string {
  if (type === 'bytea') return "'\\x00'::bytea"
  if (type !== 'text') return isNullable ? 'CASE WHEN n % 4 = 0 THEN n END' : 'n'
  const same = table === 'families' ? familiesWithSame[column] : undefined
  if (same !== undefined) return `'${column}-' || n / ${same}`
  return repeating.has(column) ? `'${column}-' || n % 3` : `'${column}-' || n`
}

/** The same of SQLite, whose plans do not depend on what is in the tables. */
export function sqliteWalks(path: string, texts: readonly string[]): readonly string[] {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return texts.filter(isPlanned).flatMap(text => {
      const steps = database.prepare(`EXPLAIN QUERY PLAN ${text}`).all()
      const details = steps.map(({ detail }) => String(detail))
      return details.filter(detail => isSqliteWalk(detail, text, details)).map(detail => `${detail}: ${text}`)
    })
  } finally {
    database.close()
  }
}

/** Names that statements give to small tables and to what they have found already. */
const smallNames = new Set([...small, 'c', 'u', 't', 'p', 'counted', 'CONSTANT'])

function isSqliteWalk(detail: string, text: string, details: readonly string[]): boolean {
  const [, verb = '', name = ''] = /^(SCAN|SEARCH) (\w+)/.exec(detail) ?? []
  if (verb === '' || smallNames.has(name)) return false
  // Without any condition it goes to one end of the index: MAX.
  const isRange = /\(\w+[<>]/.test(detail) && !/[(\s]\w+=\?/.test(detail)
  if (verb === 'SEARCH' && !isRange) return false
  if (verb === 'SCAN' && !detail.includes(' USING ')) return true
  const isSorted = details.some(other => other.startsWith('USE TEMP B-TREE FOR ORDER BY'))
  const hasOthers = name === 'f' && /\bf\.(?!id\b)\w+ (?:=|<>) /.test(text.slice(text.lastIndexOf('WHERE')))
  return !text.includes('LIMIT') || isSorted || hasOthers
}
