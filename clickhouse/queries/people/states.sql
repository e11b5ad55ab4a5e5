-- Of which people each site is, in the order of the sites: another text when they change, empty where nobody was identified.
SELECT arrayMap(site -> dictGetOrDefault({people:String}, 'user_id', (site, {of_site:String}), ''), {sites:Array(String)}) AS states
