import type { ApiGuard } from '../guard-api.ts'
import type { Requirement } from '../tokens/requirement.ts'
import { type Access, refusalResponse } from '../verdict.ts'

/** For whatever serves `Request` and `Response`: the function is called with the access of callers who have it. */
export function guardFetch(
  guard: Pick<ApiGuard, 'verify'>,
  requirement: Requirement,
  answer: (request: Request, access: Access) => Response | Promise<Response>,
): (request: Request) => Promise<Response> {
  return async request => {
    const verdict = await guard.verify(request, requirement)
    return verdict.granted ? answer(request, verdict) : refusalResponse(verdict)
  }
}
