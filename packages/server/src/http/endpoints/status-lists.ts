/** Lists of status (draft-ietf-oauth-status-list §8): for everybody, kept by everybody for as long as they are fresh. */

import type { StatusLists } from '../../domain/status/status-lists.ts'
import { statusListCacheSeconds } from '../../oauth/open-status-lists.ts'
import type { HttpResponse } from '../exchange.ts'
import { jsonResponse } from '../oauth-failure.ts'
import type { Endpoint } from '../router.ts'

/** With `list` that list; without it the addresses of all (§9). */
export function statusListsEndpoint(lists: StatusLists): Endpoint {
  return async request => {
    if (request.query === '') {
      return published('application/json', JSON.stringify({ status_lists: await lists.addresses() }))
    }
    const [, number] = /^list=(0|[1-9][0-9]{0,9})$/.exec(request.query) ?? []
    const list = number === undefined ? null : await lists.listOf(Number(number))
    return list === null ? notThere : published('application/statuslist+jwt', list)
  }
}

const notThere = jsonResponse(404, { error: 'not_found' })

function published(contentType: string, body: string): HttpResponse {
  const headers = {
    'Content-Type': contentType,
    'Cache-Control': `public, max-age=${statusListCacheSeconds}`,
    'X-Content-Type-Options': 'nosniff',
  }
  return { status: 200, headers, body }
}
