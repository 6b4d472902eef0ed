/**
 * The SQL that every engine of ours takes: SQLite, PostgreSQL, and the distributed ones that speak its wire. What holds a
 * lock across a round trip, counts in one place for all nodes, or runs inside the database is refused, and so is an
 * index over what moves with a refresh, which would end PostgreSQL's heap-only updates.
 */

interface Refusal {
  readonly what: string
  readonly pattern: RegExp
}

const refusals: readonly Refusal[] = [
  { what: 'an advisory lock', pattern: /\bpg_(?:try_)?advisory_\w+/ },
  { what: 'LISTEN or NOTIFY', pattern: /\b(?:UN)?LISTEN\b|\bNOTIFY\b|\bpg_notify\b/ },
  { what: 'a sequence', pattern: /\bSEQUENCE\b|\b(?:next|curr|last|set)val\s*\(/ },
  {
    what: 'a column that counts by itself',
    pattern: /\b(?:BIG|SMALL)?SERIAL[248]?\b|\bIDENTITY\b|\bAUTO_?INCREMENT\b/,
  },
  { what: 'a foreign key', pattern: /\bREFERENCES\b|\bFOREIGN\s+KEY\b/ },
  { what: 'a trigger or rule', pattern: /\bTRIGGER\b|\bCREATE\s+(?:OR\s+REPLACE\s+)?RULE\b/ },
  { what: 'code inside the database', pattern: /\b(?:FUNCTION|PROCEDURE|EXTENSION)\b|\bDO\s+\$|\bCALL\b/ },
  { what: 'a savepoint', pattern: /\bSAVEPOINT\b|\bROLLBACK\s+TO\b/ },
  {
    what: 'a row lock',
    pattern: /\bFOR\s+(?:NO\s+KEY\s+UPDATE|UPDATE|KEY\s+SHARE|SHARE)\b|\bSKIP\s+LOCKED\b|\bNOWAIT\b/,
  },
  { what: 'a table lock', pattern: /\bLOCK\s+TABLE\b|^\s*LOCK\b/ },
  { what: 'a temporary or unlogged table', pattern: /\bTEMP(?:ORARY)?\b|\bUNLOGGED\b/ },
  { what: 'a cursor', pattern: /\bDECLARE\b[^;]*\bCURSOR\b|\bFETCH\s+(?:NEXT|FORWARD|ALL|\d)/ },
  { what: 'a transaction in two phases', pattern: /\bPREPARE\s+TRANSACTION\b/ },
  { what: 'a system column', pattern: /\b(?:ctid|xmin|xmax|tableoid|(?<!WITHOUT )rowid)\b/ },
]

/** What a refresh moves. */
const movingColumns = /\b(?:step_id|state)\b/

/** What a text of one or more statements may not say, a sentence each; none where it may. */
export function unportable(text: string): readonly string[] {
  const plain = withoutLiterals(text)
  const found = refusals
    .filter(({ pattern }) => new RegExp(pattern, 'im').test(plain))
    .map(({ what }) => `uses ${what}`)
  for (const statement of plain.split(';')) {
    const twice = writtenTwice(statement)
    if (twice !== null) found.push(`writes ${twice} twice in one statement`)
    if (indexesWhatMoves(statement)) found.push('has an index over what moves with a refresh')
  }
  return found
}

/** The texts in a source that begin as SQL does. What a template puts in between stays as it is written there. */
export function sqlIn(source: string): readonly string[] {
  const begins =
    /(['"`])\s*(?=(?:SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|BEGIN|COMMIT|ROLLBACK|SAVEPOINT|LOCK|SET|DO|CALL|DECLARE|TRUNCATE|LISTEN|NOTIFY)\s)/g
  return [...source.matchAll(begins)].map(({ 0: opening, 1: quote = '`', index }) => {
    const from = index + opening.length
    const end = source.indexOf(quote, from)
    return source.slice(from, end === -1 ? source.length : end)
  })
}

function withoutLiterals(text: string): string {
  return text.replaceAll(/--[^\n]*/g, ' ').replaceAll(/'(?:[^']|'')*'/g, "''")
}

/** A table that two parts of one statement write: engines do not agree on what the second one sees. */
function writtenTwice(statement: string): string | null {
  const writes = /\b(?:INSERT\s+(?:OR\s+\w+\s+)?INTO|DELETE\s+FROM|MERGE\s+INTO|UPDATE)\s+(?:ONLY\s+)?"?(\w+)"?/gi
  const seen = new Set<string>()
  for (const [, name = ''] of statement.matchAll(writes)) {
    const table = name.toLowerCase()
    // ON CONFLICT … DO UPDATE SET is the same write.
    if (table === 'set') continue
    if (seen.has(table)) return table
    seen.add(table)
  }
  return null
}

function indexesWhatMoves(statement: string): boolean {
  const index = /\bINDEX\b[^;]*?\bON\s+(?:ONLY\s+)?families\b(?<rest>.*)$/is.exec(statement)?.groups?.['rest']
  if (index !== undefined) return movingColumns.test(index)
  const table = /\b(?:CREATE|ALTER)\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?families\b(?<rest>.*)$/is.exec(statement)
  return partsOf(table?.groups?.['rest'] ?? '').some(
    part => movingColumns.test(part) && /\b(?:UNIQUE|PRIMARY\s+KEY|EXCLUDE)\b/i.test(part),
  )
}

/** The columns and constraints of a table: what commas part that stand in its own parentheses and in no others. */
function partsOf(definition: string): readonly string[] {
  const parts = ['']
  let depth = 0
  for (const character of definition) {
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (character === ',' && depth <= 1) parts.push('')
    else parts[parts.length - 1] += character
  }
  return parts
}
