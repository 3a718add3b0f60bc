/** ripgrep's exit statuses, which are grep's. */
export const SearchStatus = { matched: 0, unmatched: 1, failed: 2 } as const;
