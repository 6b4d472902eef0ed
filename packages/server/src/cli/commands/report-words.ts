/** A report of `pawl check` as a person reads it: clause by clause, what fails with what to change. */

import type { Finding, Report } from '../../admin/check/check.ts'
import { type Paint, wrap } from '../style.ts'
import { plain } from '../world.ts'

const columns = 110
const indent = '        '

export function reportWords({ title, issuer, clients, findings }: Report, paint: Paint): string {
  const clientWords = clients === 1 ? '1 client' : `${clients} clients`
  const heading = paint('bold', `${title}: ${plain(issuer)}, ${clientWords}`)
  const lines = findings.map((finding, at) => findingWords(finding, findings[at - 1], paint))
  return [heading, '', ...lines].join('\n')
}

/** What is asked is written once, also where several clients break it; a clause may ask for several things. */
function findingWords(finding: Finding, before: Finding | undefined, paint: Paint): string {
  const reason = paint('dim', indent + wrap(plain(reasonOf(finding)), columns, indent))
  if (before?.clause === finding.clause && before.demand === finding.demand) return reason
  return `${stateWord(finding, paint)}  ${paint('bold', finding.clause)}  ${plain(finding.demand)}\n${reason}`
}

function stateWord({ state }: Finding, paint: Paint): string {
  switch (state) {
    case 'always':
      return paint('green', 'always')
    case 'met':
      return paint('green', 'met   ')
    case 'failed':
      return paint('red', 'FAILS ')
    case 'not_applicable':
      return paint('dim', 'n/a   ')
    case 'unseen':
      return paint('yellow', 'unseen')
  }
}

function reasonOf(finding: Finding): string {
  switch (finding.state) {
    case 'always':
      return `${finding.reason} (${finding.tests.length === 1 ? 'test' : 'tests'}: ${finding.tests.join('; ')})`
    case 'failed':
      return `${finding.client === null ? '' : `client ${finding.client}: `}${finding.reason}; ${finding.change}`
    case 'met':
    case 'not_applicable':
    case 'unseen':
      return finding.reason
  }
}
