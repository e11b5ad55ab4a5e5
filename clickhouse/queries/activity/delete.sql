ALTER TABLE activity DELETE WHERE site_id = {site:String} AND quarter = {since:Date}
