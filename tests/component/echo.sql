SELECT {text:String}, {texts:Array(String)}
