import type { ApiGuard } from '../guard-api.ts'
import type { Requirement } from '../tokens/requirement.ts'
import { type Access, refusalResponse } from '../verdict.ts'

/** The `Context` of Hono, as far as it is used. */
export interface HonoContext {
  readonly req: { readonly raw: Request }
  readonly set: (name: 'access', access: Access) => void
}

/** A middleware: behind it `context.get('access')` is there. Name it in the app's type: `new Hono<HonoAccess>()`. */
export function guardHono(guard: Pick<ApiGuard, 'verify'>, requirement: Requirement = {}) {
  return async (context: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    const verdict = await guard.verify(context.req.raw, requirement)
    if (!verdict.granted) return refusalResponse(verdict)
    context.set('access', verdict)
    await next()
    return undefined
  }
}

export interface HonoAccess {
  Variables: { access: Access }
}
