package mobilepipeline.demo

import android.app.Activity
import android.content.Intent
import android.os.Bundle
import android.view.View

/** The way to the two screens. */
class HomeActivity : Activity() {
    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        setContentView(R.layout.activity_home)
        view<View>(R.id.root).padByInsets()
        view<View>(R.id.drawing).setOnClickListener { startActivity(Intent(this, DrawingActivity::class.java)) }
        view<View>(R.id.photo).setOnClickListener { startActivity(Intent(this, PhotoActivity::class.java)) }
    }
}
